"""From a task's name or a file to the candidates of a sweep."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..check import one_of, refuse
from ..datasets._base import Dataset, Task
from ..datasets._load import load_dataset
from ..datasets._split import split
from ..find import find
from ..net import NetSpec
from ..plan import TrainPlan
from ..recipes._base import Recipe, with_moments
from ..sweep import Candidates
from ..sweep.candidates import VALID, with_validation
from ._sweep_options import SweepOptions
from ._table_screen import remembered
from ._task import TABLE_MODELS, asked_by, facts_of, is_of_any_number, settled, warn_of_folder

if TYPE_CHECKING:
    from ..datasets._table import LoadedTable, TableSource


def of_task(name: str, model: str | None, options: SweepOptions, seed: int) -> Candidates:
    """The candidates for a named task; what a recipe may know of the rows is the same for all networks."""
    task: Task = find("datasets", name)()
    model = model or next(iter(task.models))
    one_of(f"model for task {name!r}", model, task.known_models)
    recipe_name = options.recipe or "plain"
    recipe: Recipe = find("recipes", recipe_name)()
    reference = asked_by(task, model, recipe)
    if isinstance(options.valid, Path):
        raise refuse("--valid", str(options.valid), f"a share or a number of the rows of task {name!r}", "write 0.2")
    data = load_dataset(name, seed=seed, data_dir=options.data_dir)
    share = options.valid if options.valid is not None or data.valid is not None else VALID
    data = with_validation(data, seed) if options.valid is None else split(data, options.valid, seed=seed)
    info = {"model": model, "recipe": recipe_name, **({} if share is None else {"valid": share})}

    def prepare(settings: Mapping[str, Any]) -> tuple[NetSpec, TrainPlan]:
        return _for_task(data, recipe, model, {**reference, **settings})

    return Candidates(data, prepare, info)


def _for_task(data: Dataset, recipe: Recipe, model: str, settings: Mapping[str, Any]) -> tuple[NetSpec, TrainPlan]:
    """The function from settings to a network and a plan for a task."""
    spec, plan = recipe.prepare(model, settings)
    if recipe.from_task:
        return spec, plan
    spec, plan = recipe.prepare(model, settings, facts_of(data, plan))
    return with_moments(spec, data.train.moments), plan


def of_table(
    source: "TableSource", model: str | None, options: SweepOptions, fixed: Mapping[str, Any]
) -> "tuple[Candidates, LoadedTable]":
    """The candidates for a file, which is read once, by the seed and the loss that all networks share."""
    from ..datasets._table import load_table  # imported here because it needs polars

    warn_of_folder(options.data_dir)
    kind = one_of("model for a file", model or TABLE_MODELS[0], TABLE_MODELS)
    name = options.recipe or "standard"
    recipe: Recipe = find("recipes", name)()
    scales_target = is_of_any_number(fixed.get("loss"))
    loaded = load_table(source, seed=fixed.get("seed", 0), scales_target=scales_target, pixels=recipe.takes_pixels)
    info = {"model": kind, "recipe": name, **remembered(source, loaded)}

    def prepare(settings: Mapping[str, Any]) -> tuple[NetSpec, TrainPlan]:
        return settled(loaded.data, recipe, kind, settings)

    return Candidates(loaded.data, prepare, info), loaded
