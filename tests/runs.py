"""Runs that are stopped and go on, and whether what they leave is the same to the bit."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import fivestep.machine.due
import fivestep.saved.checkpoint
from fivestep.datasets._base import Dataset
from fivestep.epoch import Epoch
from fivestep.net import MLP, NetSpec
from fivestep.plan import TrainPlan
from fivestep.run import Run
from fivestep.saved.checkpoint import checkpoints_in, read_checkpoint
from tests.samples import small_engine, small_plan, three_classes

SCENARIOS: dict[str, tuple[NetSpec, TrainPlan]] = {
    "adam, dropout, average, plateau, best epoch": (
        MLP(4, 6, 3, activation="tanh", dropout=0.3),
        small_plan(
            optimizer="adam",
            ema=0.7,
            lr=0.3,
            restore_best=True,
            patience=3,
            epochs=6,
            seed=4,
            schedule="plateau:patience=0,gamma=0.5",
        ),
    ),
    "momentum, parts, batch norm, cosine, clipped": (
        MLP(4, 6, 3, norm="batch_norm"),
        small_plan(batch_size=20, momentum=0.9, micro_batch_size=6, schedule="cosine", clip_norm=0.5, epochs=4),
    ),
    "schedule-free, warmup, metrics": (
        MLP(4, 6, 3, dropout=0.1),
        small_plan(
            optimizer="schedule_free_adamw", schedule="warmup:steps=5", metrics=("f1",), monitor="f1", restore_best=True
        ),
    ),
    "lbfgs, average": (
        MLP(4, 6, 3, activation="tanh"),
        small_plan(optimizer="lbfgs:history=3", lr=1.0, batch_size=None, epochs=8, ema=0.5),
    ),
    "muon, groups": (
        MLP(4, 6, 3, norm="layer_norm"),
        small_plan(optimizer="muon", lr=0.02, lr_factors={"bias": 2.0}, no_decay=("bias",), weight_decay=0.1),
    ),
    "every second epoch, weighted classes": (
        MLP(4, 6, 3, activation="tanh", dropout=0.2),
        small_plan(optimizer="adagrad", class_weight="balanced", epochs=5),
    ),
}
"""Networks and plans that hold between them everything that a run remembers."""

EVERY = {"every second epoch, weighted classes": 2}
DATA = three_classes(valid=20)
over_scenarios = pytest.mark.parametrize("scenario", SCENARIOS)


def begun(name: str, scenario: str, folder: Path, data: Dataset = DATA) -> Run:
    """A new run of that scenario."""
    spec, plan = SCENARIOS[scenario]
    return Run.start(small_engine(name, plan, spec), data, folder)


def trained(run: Run, scenario: str, data: Dataset = DATA) -> Run:
    """The run, trained to its end."""
    for _ in run.train(data, EVERY.get(scenario)):
        pass
    return run


@contextmanager
def often(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Inside, a checkpoint is written before every step, and all are kept."""
    with monkeypatch.context() as patch:
        patch.setattr(fivestep.machine.due, "SECONDS", 0.0)
        patch.setattr(fivestep.machine.due, "SHARE", float("inf"))
        patch.setattr(fivestep.saved.checkpoint, "KEPT", 10**6)
        yield


def without_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture takes longer than all the rest of a small run."""
    monkeypatch.setattr(Run, "draw", lambda _run: None)


def only(checkpoint: Path, folder: Path) -> Path:
    """A run's folder with that one checkpoint in it, as a kill would have left it."""
    (folder / "checkpoints").mkdir(parents=True)
    shutil.copy(checkpoint, folder / "checkpoints")
    return folder


def timeless(history: list[Epoch]) -> list[Epoch]:
    """A history without its times."""
    return [replace(epoch, seconds=0.0, rows_per_second=0.0) for epoch in history]


def remains(folder: Path) -> dict[str, Any]:
    """All that a finished run leaves, times aside: model, history, and the state of its last checkpoint."""
    last = read_checkpoint(checkpoints_in(folder)[0])
    state = {name: tensor for name, tensor in last.tensors.items() if not name.startswith("history.")}
    position = {key: value for key, value in last.about["position"].items() if key != "seconds"}
    return {
        "model": load_file(folder / "model.safetensors"),
        "state": state,
        "position": position,
        "history": timeless(Run.load(folder, "cpu").history),
    }


def differences(got: Mapping[str, Any], expected: Mapping[str, Any]) -> list[str]:
    """The names of whatever is not the same to the bit."""
    found = [key for key in ("position", "history") if got[key] != expected[key]]
    for part in ("model", "state"):
        for name in {**got[part], **expected[part]}:
            ours, theirs = got[part].get(name), expected[part].get(name)
            if ours is None or theirs is None or ours.dtype != theirs.dtype or not torch.equal(ours, theirs):
                found.append(f"{part} {name}")
    return found
