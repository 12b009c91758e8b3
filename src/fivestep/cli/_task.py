"""From a task's name and the options to network, plan and data, the same way for every command."""

from pathlib import Path
from typing import NamedTuple

from ..check import one_of
from ..datasets._base import Dataset, Task
from ..datasets._load import load_dataset
from ..datasets._split import split
from ..find import find
from ..net import NetSpec
from ..plan import TrainPlan
from ..recipes._base import Recipe
from ._options import NetworkOptions, PlanOptions, given


class Prepared(NamedTuple):
    """A named task, ready to train: the model's name, the network with its sizes, the plan and the data."""

    model: str
    spec: NetSpec
    plan: TrainPlan
    data: Dataset


def prepare(
    task_name: str,
    network: NetworkOptions,
    plan: PlanOptions,
    recipe_name: str = "plain",
    data_dir: Path | None = None,
    valid: float | None = None,
) -> Prepared:
    """The cheap refusals come first, the data last."""
    task: Task = find("datasets", task_name)()
    model = network.model or next(iter(task.models))
    one_of(f"model for task {task_name!r}", model, task.known_models)
    recipe: Recipe = find("recipes", recipe_name)()
    settings = {**task.settings_for(model), **given(network), **given(plan)}
    spec, train_plan = recipe.prepare(model, settings)
    train_plan.build_loss(), train_plan.build_optimizer(), train_plan.build_schedule(), spec.build_init()
    data = load_dataset(task_name, seed=train_plan.seed, data_dir=data_dir)
    if valid is not None:
        data = split(data, valid, seed=train_plan.seed)
    return Prepared(model, train_plan.sized(spec, data), train_plan, data)
