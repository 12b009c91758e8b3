"""`fivestep train --resume RUN`: the run keeps its own settings, so an option that contradicts them is refused."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..check import InputError
from ..datasets._base import Dataset
from ..engines._make import find_device
from ..find import Choice
from ..plan import TrainPlan
from ..ranks import ALONE, Ranks
from ..run import Run
from ..table.words import in_words
from ._options import NetworkOptions, PlanOptions, RunOptions, given, option
from ._table_options import TableOptions

if TYPE_CHECKING:
    from ..datasets._table import LoadedTable

Options = tuple[NetworkOptions, PlanOptions, RunOptions, TableOptions]


def network_given(network: NetworkOptions) -> dict[str, Any]:
    """The given network options, for `info`: they cannot be recovered from the layers."""
    options = {name: value for name, value in asdict(network).items() if value is not None and name != "model"}
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in options.items()}
    return {"network": plain} if plain else {}


def resumed(
    path: Path, task: str | None, given_options: Options, ranks: Ranks = ALONE
) -> "tuple[Run, Dataset, LoadedTable | None]":
    """The run in that folder, its data, and its file if it has one.

    Raises an `InputError` that names the options that would make it another run.
    """
    run = Run.resume(path, given_options[1].epochs, ranks)
    others = [f"{name} {got} (in the run {own})" for name, own, got in _others(run, task, *given_options)]
    if others:
        raise InputError(
            f"what comes with --resume must be the run's own, or left out, got {in_words(others)}; leave out what you "
            f"do not want to change, or begin a new run."
        )
    loaded = None
    if "table" in run.info:
        from ..datasets._table import TableSource, load_table
        from ..datasets._table.table_stream import EPOCHS_TO_KEEP  # imported here because they need polars

        source, is_long = TableSource.from_dict(run.info["table"]), run.plan.epochs >= EPOCHS_TO_KEEP
        source = replace(source, cache=source.cache and is_long and not given_options[3].no_cache)
        source = source if given_options[2].data_dir is None else source.in_folder(given_options[2].data_dir)
        loaded = load_table(source, seed=run.plan.seed, encoder=run.encoder)
    data = run.load_data(given_options[2].data_dir) if loaded is None else loaded.data
    return run, data.unique() if "rows_before_merging" in run.info else data, loaded


def _others(
    run: Run, task: str | None, network: NetworkOptions, plan: PlanOptions, options: RunOptions, table: TableOptions
) -> Iterator[tuple[str, str, str]]:
    """The given options that differ from the run's: their names, the run's values, the given values."""
    info, told, shape = run.info, given(plan), network_given(network).get("network", {})
    shaped = info.get("network", {})
    source = info.get("table", {})
    asked = {name: value for name, value in asdict(table).items() if value}
    asked |= {"target": table.target_as_kept} if table.target else {}
    if source.get("stream"):
        asked.pop("no_cache", None)  # does not affect the numbers, so it may change on resumption
    pairs: dict[str, tuple[Any, Any]] = {
        "TASK": (source.get("file", info["task"]), str(Path(task).resolve()) if source and task else task),
        **{option(name): (source.get(name), _as_kept(value)) for name, value in asked.items()},
        "--model": (info.get("model"), network.model),
        **{option(name): (shaped.get(name, "as the task has it"), value) for name, value in shape.items()},
        **{option(name): (getattr(run.plan, name), _as_in_plan(run.plan, name, value)) for name, value in told.items()},
        "--engine": (run.engine.choice, None if options.engine == "auto" else Choice.parse(options.engine)),
        "--precision": (run.engine.options.get("precision"), options.precision),
        "--device": (run.engine.device, None if options.device == "auto" else find_device(options.device)),
        "--dtype": (run.engine.dtype_name, options.dtype),
        "--recipe": (info.get("recipe"), options.recipe),
        "--valid": (source.get("valid", info.get("valid")), _as_kept(options.valid)),
        "--merge-duplicates": ("rows_before_merging" in info, options.merge_duplicates or None),
        "--every": (run.every, options.every),
        "--out": (run.path, options.out),
    }
    for name, (own, got) in pairs.items():
        if got is not None and got != own:
            yield name, _in_words(own), _in_words(got)


def _as_in_plan(plan: TrainPlan, name: str, value: Any) -> Any:
    """A setting as the plan would hold it, or as it is given where it does not go with the plan's others."""
    try:
        return getattr(replace(plan, **{name: value}), name)
    except InputError:
        return value


def _in_words(value: Any) -> str:
    """A setting as text in a sentence: several values, or the value itself."""
    return " and ".join(map(repr, value)) if isinstance(value, list | tuple) and value else str(value)


def _as_kept(value: Any) -> Any:
    """A typed value as a run stores it: names as a list, other files by their full path."""
    if isinstance(value, Path):
        return str(value.resolve())
    return list(value) if isinstance(value, tuple) else value
