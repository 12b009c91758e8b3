"""From a task's name or a file, and options, to network, plan and data, in the same way for every command."""

import math
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from warnings import catch_warnings, simplefilter

from ..check import InputError, one_of, refuse, warn
from ..datasets._base import Dataset, Task
from ..datasets._load import load_dataset
from ..datasets._split import split
from ..find import Choice, build, find
from ..net import NetSpec
from ..plan import TrainPlan
from ..recipes._base import Facts, Recipe, with_moments, with_numbers
from ..table.words import listed
from ._options import NetworkOptions, PlanOptions, given

if TYPE_CHECKING:
    from ..datasets._table import LoadedTable, TableSource
    from ..losses._base import Loss
    from ..table.targets import TargetColumns

DECIDED_BY_ROWS = ("loss", "num_embeddings", "embedding_dim")
"""Settings of a task that its rows require, whatever the recipe."""

FOR_FILES = "a file is for fivestep train, sweep and lr"
"""The advice where a file is not accepted."""

FEW_ROWS, MANY_ROWS = 200, 100_000
"""Of a table that has not been read, so that a recipe can say what it refuses of any."""

USUAL_LOSSES = ("cross_entropy", "mse")
"""One for classes, and one for numbers."""

TABLE_MODELS = ("mlp", "linear", "softmax", "feed-forward")
"""The models for a file, the default first."""


class Prepared(NamedTuple):
    """A task or a file, ready to train: the model's name, the sized network, the plan and the data."""

    model: str
    spec: NetSpec
    plan: TrainPlan
    data: Dataset
    table: "LoadedTable | None" = None


def prepare(
    task_name: str,
    network: NetworkOptions,
    plan: PlanOptions,
    recipe_name: str = "plain",
    data_dir: Path | None = None,
    valid: float | Path | None = None,
) -> Prepared:
    """Prepares a named task. The cheap checks come first, the data last."""
    check_name("TASK", task_name)
    task: Task = find("datasets", task_name)()
    model = network.model or next(iter(task.models))
    one_of(f"model for task {task_name!r}", model, task.known_models)
    recipe: Recipe = find("recipes", recipe_name)()
    settings = {**asked_by(task, model, recipe), **given(network), **given(plan)}
    spec, train_plan = recipe.prepare(model, settings)
    _check_loss_of_task(task_name, model, train_plan)
    if isinstance(valid, Path):
        raise refuse("--valid", str(valid), f"a share or a number of the rows of task {task_name!r}", "write 0.2")
    data = load_dataset(task_name, seed=train_plan.seed, data_dir=data_dir)
    if valid is not None:
        data = split(data, valid, seed=train_plan.seed)
    if not recipe.from_task:
        spec, train_plan = recipe.prepare(model, settings, facts_of(data, train_plan))
        spec = with_moments(spec, data.train.moments)
    return Prepared(model, train_plan.sized(spec, data), train_plan, data)


def check_name(argument: str, name: str) -> None:
    """Raises an `InputError` if a file is given for the name of a task."""
    if is_file(name):
        raise refuse(argument, name, "a name that fivestep tasks lists", FOR_FILES)


def _check_loss_of_task(task_name: str, model: str, plan: TrainPlan) -> None:
    """Raises an `InputError` if a regression loss is requested for classes, which would have no accuracy."""
    usual: Loss = build("losses", find("datasets", task_name)().settings_for(model)["loss"])
    if usual.target != "numbers" and plan.build_loss().target == "numbers":
        raise refuse("loss", str(plan.loss), f"one for classes, which task {task_name!r} has", "leave it out")


def asked_by(task: Task, model: str, recipe: Recipe) -> dict[str, Any]:
    """The task's settings that apply to this recipe: its reference settings, or only those that its rows decide."""
    settings = task.settings_for(model)
    if recipe.from_task:
        return settings
    return {key: value for key, value in settings.items() if key in DECIDED_BY_ROWS}


def facts_of(data: Dataset, plan: TrainPlan) -> Facts:
    """What a recipe may know of the rows of a task."""
    loss = plan.build_loss()
    return Facts(data.num_rows, data.in_features, data.outputs_for(loss), loss.target)


def prepare_table(
    source: "TableSource",
    network: NetworkOptions,
    plan: PlanOptions,
    recipe_name: str = "tabular",
    num_networks: int = 1,
) -> Prepared:
    """Prepares a file. The recipe gets the facts about the typed table and the given options; the best epoch counts."""
    from ..datasets._table import load_table
    from ..datasets._table.table_stream import EPOCHS_TO_KEEP, decoding  # imported here because they need polars

    model = one_of("model for a file", network.model or TABLE_MODELS[0], TABLE_MODELS)
    recipe: Recipe = find("recipes", recipe_name)()
    chosen = {**given(network), **given(plan)}
    check_settings(recipe, model, chosen)
    scales_target = is_of_any_number(chosen.get("loss"))
    loaded = load_table(source, seed=chosen.get("seed", 0), scales_target=scales_target, pixels=recipe.takes_pixels)
    spec, train_plan = settled(loaded.data, recipe, model, chosen)
    if num_networks * train_plan.epochs < EPOCHS_TO_KEEP:
        loaded = loaded._replace(data=decoding(loaded.data))
    return Prepared(model, train_plan.sized(spec, loaded.data), train_plan, loaded.data, loaded)


def check_settings(recipe: Recipe, model: str, chosen: Mapping[str, Any]) -> None:
    """Raises an `InputError` for settings that go with no table, before a file is read, which may take minutes."""
    refused: list[InputError] = []
    for loss, num_rows in product([chosen["loss"]] if "loss" in chosen else USUAL_LOSSES, (FEW_ROWS, MANY_ROWS)):
        facts = Facts(num_rows, 10, 2, build("losses", loss).target)
        try:
            with catch_warnings():
                simplefilter("ignore")  # they are said when the rows are known
                recipe.prepare(model, {**chosen, "loss": loss}, facts)
        except InputError as error:
            refused.append(error)
        else:
            return
    raise refused[0]


def is_of_any_number(loss: str | Choice | None) -> bool:
    """Whether targets may be put on any scale; not for rates of counts, which have a minimum."""
    least: float = -math.inf if loss is None else find("losses", Choice.parse(loss).name).target_range[0]
    return least == -math.inf


def settled(data: Dataset, recipe: Recipe, model: str, chosen: Mapping[str, Any]) -> tuple[NetSpec, TrainPlan]:
    """The network and the plan for the rows of a table, with the settings chosen."""
    encoder = data.encoder
    assert encoder is not None, "a table has an encoder"
    usual = usual_loss(encoder.targets)
    codes = {"num_codes": encoder.num_codes} if encoder.num_codes else {}
    settings = {"loss": usual, **codes, **chosen}
    check_loss(settings["loss"], encoder.targets)
    loss: Loss = build("losses", Choice.parse(settings["loss"]))
    facts = Facts(data.num_rows, data.in_features, data.outputs_for(loss), loss.target)
    patience = recipe.preparation(model, settings, facts).patience
    stopping = {"restore_best": True, **({"patience": int(patience)} if math.isfinite(patience) else {})}
    spec, plan = with_numbers(*recipe.prepare(model, {**stopping, **settings}, facts), encoder.numbers)
    return with_moments(spec, data.train.moments), plan


def usual_loss(targets: "TargetColumns") -> str:
    """The default loss for the target; several class columns are binary targets."""
    if not targets.are_classes:
        return "mse"
    return "binary_cross_entropy" if targets.are_several else "cross_entropy"


def check_loss(loss: str | Choice, targets: "TargetColumns") -> None:
    """Raises an `InputError` if the loss is for another kind of target."""
    name = Choice.parse(loss).name
    kind, which = find("losses", name).target, f"the target{'s' * targets.are_several} {listed(targets.names)}"
    if not targets.are_classes:
        if kind != "numbers":
            wanted = f"one that compares numbers, as {which} hold{'s' * (not targets.are_several)}"
            advice = "leave it out" + ", or say --task classification" * (not targets.are_several)
            raise refuse("loss", name, wanted, advice)
        return
    num_classes = 2 if targets.are_several else targets.num_outputs
    wanted = f"one for the {num_classes} classes of {'each of ' * targets.are_several}{which}"
    if kind == "numbers":
        advice = "leave it out" + ", or say --task regression" * targets.may_be_numbers
        raise refuse("loss", name, wanted, advice)
    if targets.are_several and kind == "classes":
        raise refuse("loss", name, f"one for yes or no, of which {which} are several", "leave it out")
    if num_classes > 2 and kind == "yes_no":
        raise refuse("loss", name, wanted, "leave it out")


def is_file(name: str) -> bool:
    """Whether a source is a file rather than a task: it looks like a path, or has a table's suffix."""
    return any(letter in name for letter in "/\\.*?[")


def warn_of_folder(data_dir: Path | None) -> None:
    """Warns that --data-dir is ignored if a file was named."""
    if data_dir is not None:
        warn(f"--data-dir is ignored, as FILE says where it is, got {str(data_dir)!r}; leave it out.")
