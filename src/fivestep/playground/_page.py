"""The page: the scripts in their order, the style, and the rows of the tasks as numbers."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from .. import __version__
from ..check import refuse
from ..datasets._base import Dataset, Task
from ..datasets._load import load_dataset
from ..find import build, find
from ..losses._base import Loss
from ..markup import page
from ..net import NetSpec
from ..plan import TrainPlan
from ._settings import FOLDER, MOST_LAYERS, MOST_UNITS, TASKS, offered, settings_of

FIRST = ("items", "tensor", "layers", "draws", "engine")
"""The arithmetic, each file after those that it needs."""

FAMILIES = ("activations", "losses", "optim", "inits", "mistakes")
"""The folders of items, which come after it."""

LAST = (
    *("settings", "training", "tensors", "numbers", "plane", "line"),
    *("network", "curves", "same", "controls", "playground"),
)
"""Drawing and event handling; `playground.js` starts the page."""


def playground_html(task: str = "moons", network: NetSpec | None = None, plan: TrainPlan | None = None) -> str:
    """The page as text. It begins with that task, and with a given network and plan.

    The seed of the plan is that of the rows too, where a task draws them. Raises an `InputError` where the page does
    not have what they ask for.
    """
    seed = 0 if plan is None else plan.seed
    known = {name: _task(name, seed) for name in TASKS}
    if plan is not None:
        _check_loss(task, plan)
    start = known[task]["settings"] if network is None or plan is None else settings_of(network, plan)
    given = {
        "version": __version__,
        "seed": seed,
        "most": {"layers": MOST_LAYERS, "units": MOST_UNITS},
        "tasks": known,
        "start": {"task": task, **start},
    }
    body = (FOLDER / "playground.html").read_text(encoding="utf-8")
    style = (FOLDER / "playground.css").read_text(encoding="utf-8")
    return page("fivestep playground", body, style, [f"const GIVEN = {_json(given)};", *scripts()])


def scripts() -> list[str]:
    """The texts of all scripts but the numbers of the tasks, in the order in which a page needs them."""
    paths = [FOLDER / f"{name}.js" for name in FIRST]
    paths += [FOLDER / family / f"{name}.js" for family in FAMILIES for name in offered(family)]
    paths += [FOLDER / f"{name}.js" for name in LAST]
    return [path.read_text(encoding="utf-8") for path in paths]


def _check_loss(task: str, plan: TrainPlan) -> None:
    """Raises an `InputError` for a loss of other targets; a yes or no may be a number too, 1 or 0."""
    usual: Loss = build("losses", find("datasets", task).settings["loss"])
    if plan.build_loss().target not in (usual.target, "numbers" if usual.target == "yes_no" else ""):
        raise refuse("loss", str(plan.loss), f"one for {usual.target}, as task {task!r} has", "leave it out")


def _task(name: str, seed: int) -> dict[str, Any]:
    """A task as plain values: its rows, and the settings of its default model."""
    task: Task = find("datasets", name)()
    data = load_dataset(name, seed=seed)
    model = next(iter(task.models))
    settings = {**task.settings_for(model), "seed": seed}
    network, plan = find("recipes", "plain")().prepare(model, settings)
    return {
        "description": task.description,
        "isDrawn": task.is_drawn,
        "classes": list(data.class_names),
        "epochs": plan.epochs,
        "known": {name: _weights(weights) for name, weights in data.known_weights.items()},
        "settings": settings_of(network, plan),
        **_rows(data),
    }


def _rows(data: Dataset) -> dict[str, Any]:
    assert data.valid is not None, "a named task has rows to validate with"
    parts = {"train": data.train, "valid": data.valid}
    return {name: {"x": _numbers(rows.x), "y": _numbers(rows.y.float())} for name, rows in parts.items()}


def _numbers(values: Tensor) -> dict[str, Any]:
    """A tensor of float32, to the bit: its shape, and its bytes (little endian) in base64."""
    array = np.ascontiguousarray(values.float().numpy()).astype("<f4")
    return {"shape": list(array.shape), "base64": base64.b64encode(array.tobytes()).decode("ascii")}


def _weights(weights: Mapping[str, Tensor]) -> list[float]:
    """A slope and an intercept."""
    return [float(value) for tensor in weights.values() for value in tensor.flatten()]


def _json(value: Any) -> str:
    """JSON that can stand in a script: a `<` could end it."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")
