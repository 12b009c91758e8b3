"""`fivestep train TASK`, `fivestep train FILE` and `fivestep train --resume RUN`."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from ..check import DivergenceError, InputError, at_least, positive
from ..datasets._base import Dataset
from ..diagnosis._evidence import constant_that_is_better
from ..engines._make import check_engine, make_engine
from ..ensemble import num_members
from ..machine.files import check_empty
from ..machine.interrupt import termination_raises
from ..preflight import check_merged
from ..ranks import Ranks
from ..ranks.torchrun import leave_note, note_left
from ..report import Recent, write_report
from ..run import Run
from ..scores import Measured, measured
from ..trackers._track import check_trackers, track
from . import DONE, FAILED, INTERRUPTED, TERMINATED
from ._members import check_alone, check_folds, check_members, train_together
from ._options import NetworkOptions, PlanOptions, RunOptions, engine_choice
from ._ranks import going_on, joined, program
from ._resume import Options, network_given, resumed
from ._screen import (
    Screen,
    known_losses,
    number,
    print_network,
    print_whole,
    temperature_set,
    weights_put_back,
    weights_table,
)
from ._table_options import TableOptions
from ._table_screen import remembered, show_columns, show_scores, show_verdict
from ._task import is_file, prepare, prepare_table, warn_of_folder
from ._values import json_text

if TYPE_CHECKING:
    from ..datasets._table import LoadedTable


def train(
    task: str | None = None,
    /,
    *,
    network: NetworkOptions = NetworkOptions(),  # noqa: B008  (frozen)
    plan: PlanOptions = PlanOptions(),  # noqa: B008
    options: RunOptions = RunOptions(),  # noqa: B008
    table: TableOptions = TableOptions(),  # noqa: B008
) -> int:
    """Train a network on a named task, or on a file with --target, and keep the run in a folder.

    Every option left out keeps the task's reference setting, so `fivestep train fashion-mnist` is the reference run and
    `fivestep train fashion-mnist --model softmax` is the other side of the comparison. With a file, such as
    `fivestep train houses.csv --target price`, the columns are shown first, with what they are taken for. A run that
    was stopped or killed goes on with `fivestep train --resume RUN`, to the same numbers. Several processes share the
    work with `torchrun --nproc-per-node 2 -m fivestep train ...`, and the numbers stay those of one.

    Parameters
    ----------
    task
        Name of the task (`fivestep tasks` lists them), or a CSV, TSV, Parquet, Arrow, JSON Lines or NumPy file.
        It may be packed: houses.csv.gz, .bz2, .xz or .zst.
    """
    positive("rank_timeout", options.rank_timeout, "600 is usual")
    if options.every is not None:
        at_least("every", options.every, 1, "leave it out to show about twenty epochs")
    several = check_members(options, by_time=table.time is not None)
    with termination_raises(), joined(options.rank_timeout) as ranks:
        check_alone(ranks, several=several)
        console = Console(stderr=options.json, highlight=False, quiet=not ranks.is_first)
        run, data, loaded = _begun(task, (network, plan, options, table), ranks)
        with _never_empty(run):
            _introduce(console, run, data, loaded)
        recent = Recent(run.engine)
        if several:
            with _never_empty(run):
                code = train_together(console, run, data, options, loaded)
        else:
            code = _train(console, run, data, options.every, recent)
        if several and code != DONE:
            return code
        if code == TERMINATED or not ranks.is_first:  # the sender may not wait
            return code
        if options.report and code == DONE:
            write_report(run, data, recent)
        _show_results(console, run, data, loaded, is_over=code == DONE, as_json=options.json)
    return code


def _train(console: Console, run: Run, data: Dataset, every: int | None, recent: Recent) -> int:
    """Trains to the end, or until it is interrupted. Returns the exit code."""
    shown = run.every or every or max(1, run.plan.epochs // 20)
    try:
        with _never_empty(run), closing(run.train(data, shown)) as epochs:
            if run.is_finished:  # yields no epoch, but writes the folder anew
                return next((FAILED for _ in epochs), DONE)
            tracked = track(run, *(run.info.get("track", ()) if run.engine.ranks.is_first else ()))
            with tracked as note, Screen(console, run.engine, data, run.plan).begun() as screen:
                for epoch in epochs:
                    screen.show(epoch)
                    note(epoch)
                    recent.note()
    except (KeyboardInterrupt, SystemExit) as stop:
        if isinstance(stop, SystemExit) and stop.code != TERMINATED:  # rich exits if the reader of its output has gone
            raise
        word, code = ("interrupted", INTERRUPTED) if isinstance(stop, KeyboardInterrupt) else ("terminated", TERMINATED)
        console.print(f"\n{word} after step {run.engine.num_updates:,}", soft_wrap=True)
        if run.path.exists():  # unless it was stopped before it began
            again = f"{program(run.engine.ranks)} train --resume {run.path}"
            console.print(f"It goes on with: {again}", markup=False, soft_wrap=True)
        return code
    except DivergenceError as error:
        raise DivergenceError(
            f"{error} The run so far is in {run.path}; fivestep diagnose {run.path} tries what keeps it finite."
        ) from error
    return DONE


def _show_results(
    console: Console, run: Run, data: Dataset, loaded: "LoadedTable | None", *, is_over: bool, as_json: bool
) -> None:
    """Shows the results as text, and as JSON if requested; one that was interrupted is not judged."""
    scores = {part: (len(rows), measured(run, rows)) for part, rows in data.whole().items()}
    console.print()
    if data.known_weights and run.info["model"] == "linear":
        print_whole(console, weights_table(run.engine, data.known_weights))
        console.print()
    show_scores(console, scores, known_losses(run.engine, data))
    if num_members(run.spec) == 1 and (word := weights_put_back(run.history, run.plan)) is not None:
        console.print(word, markup=False, soft_wrap=True)
    if (word := temperature_set(run.info, run.plan)) is not None:
        console.print(word, markup=False, soft_wrap=True)
    known = {} if loaded is None else show_verdict(console, run, loaded, is_over=is_over)
    console.print(f"\nThe run is in {run.path}", markup=False, soft_wrap=True)
    is_task = loaded is None  # of a table, the verdict said it
    if is_task and is_over and (word := _no_better_than_a_guess(run, data)) is not None:
        console.print(word, markup=False, soft_wrap=True, style="yellow")
    if as_json:
        print(json_text(_report(run, data, {part: score for part, (_, score) in scores.items()}, known)))  # noqa: T201


def _no_better_than_a_guess(run: Run, data: Dataset) -> str | None:
    """A sentence for a network that is no better than a constant answer."""
    guess = None if num_members(run.spec) > 1 else constant_that_is_better(run.engine, data)
    if guess is None:
        return None
    return (
        f"It has learned nothing: the best answer that is the same for every row has the loss {number(guess)}. To see "
        f"why: fivestep diagnose {run.path}"
    )


def _begun(task: str | None, given: Options, ranks: Ranks) -> "tuple[Run, Dataset, LoadedTable | None]":
    """The run, its folder and its data. An error on one rank is raised on all."""
    before = ranks.by_first(note_left)
    options = given if before is None else (*given[:2], going_on(given[2], Path(before)), given[3])
    begin, data, loaded = ranks.all_or_none(lambda: _prepare(task, *options, ranks))
    run = begin()
    if ranks.is_first and not ranks.are_alone:
        leave_note(str(run.path))
    return run, data, loaded


def _prepare(
    task_name: str | None,
    network: NetworkOptions,
    plan: PlanOptions,
    options: RunOptions,
    table: TableOptions,
    ranks: Ranks,
) -> "tuple[Callable[[], Run], Dataset, LoadedTable | None]":
    """Prepares everything up to the first step, cheap checks first: nothing is written for a run that cannot begin."""
    if options.resume is not None:
        run, data, loaded = resumed(options.resume, task_name, (network, plan, options, table), ranks)
        return lambda: run, data, loaded
    if task_name is None:
        raise InputError(
            "TASK must be the name of a task or a file, got none; write for example fivestep train moons, or fivestep "
            "train houses.csv --target price. See fivestep tasks; a run goes on with --resume RUN."
        )
    _check_without_rows(options)
    recipe = options.recipe or ("tabular" if is_file(task_name) else "plain")
    if is_file(task_name):
        source = table.source(Path(task_name), options.valid)
        warn_of_folder(options.data_dir)
        prepared = prepare_table(source, network, plan, recipe, options.members or 1)
    else:
        table.check_unused(task_name)
        prepared = prepare(task_name, network, plan, recipe, options.data_dir, options.valid)
    model, spec, train_plan, data, loaded = prepared
    check_folds(data, options, loaded)
    num_rows = len(data.train)
    if options.merge_duplicates:
        data = data.unique()
    engine = make_engine(
        engine_choice(options),
        spec,
        train_plan,
        dtype=options.dtype or "float32",
        device=options.device,
        num_rows=data.num_rows,
        ranks=ranks,
    )
    info: dict[str, Any] = {"model": model, "recipe": recipe, **network_given(network)}
    info |= {"track": list(options.track)} if options.track else {}
    info |= {"valid": options.valid} if loaded is None else remembered(source, loaded)
    if options.merge_duplicates:
        check_merged(engine)
        info["rows_before_merging"] = num_rows
    return partial(Run.start, engine, data, options.out, info), data, loaded


def _check_without_rows(options: RunOptions) -> None:
    """Raises an `InputError` for what cannot work with any rows, before they are read, which may take minutes."""
    if options.out is not None:
        check_empty(options.out)
    check_trackers(*(options.track or ()))
    check_engine(engine_choice(options), options.dtype or "float32", options.device)


def _introduce(console: Console, run: Run, data: Dataset, loaded: "LoadedTable | None") -> None:
    """Shows what is known before the first step: the columns of a file, the network, the effect of merging."""
    if loaded is not None:
        show_columns(console, loaded, run.info["table"])
    print_network(console, run.spec)
    console.print(f"engine {run.engine.name}: {run.engine.reason}\n", markup=False, soft_wrap=True)
    if "rows_before_merging" in run.info:
        console.print(_merged(run.info["rows_before_merging"], len(data.train)))
    last = run.history[-1].index if run.history else 0
    if run.is_finished:
        longer = f"with patience {run.plan.patience}" if last < run.plan.epochs else "and --epochs makes it longer"
        console.print(f"The run is finished: it ended after epoch {last:,}, {longer}.", soft_wrap=True)
    elif run.every is not None:
        console.print(f"Going on after step {run.engine.num_updates:,}, the last epoch shown was {last:,}.\n")


@contextmanager
def _never_empty(run: Run) -> Iterator[None]:
    """Removes the run's folder if the run ends before anything is in it, as in `fivestep train | head -1`."""
    try:
        yield
    except BaseException:
        with suppress(OSError):  # a folder with content stays
            if run.engine.ranks.is_first:
                run.path.rmdir()
        raise


def _merged(before: int, after: int) -> str:
    """A sentence about the effect of merging."""
    if after == before:
        return f"Merged nothing: all {before:,} training rows are different.\n"
    return f"Merged {before:,} training rows into {after:,} different ones, weighted by their number.\n"


def _report(run: Run, data: Dataset, scores: dict[str, Measured], known: Mapping[str, float]) -> dict[str, Any]:
    """The run as one JSON object; None for what does not apply."""
    always = {f"{part}_{name}": None for part in ("train", "valid", "test") for name in ("loss", "accuracy")}
    figures = {f"{part}_{name}": value for part, score in scores.items() for name, value in score.figures().items()}
    return {
        "task": run.info["task"],
        "model": run.info["model"],
        "run": str(run.path),
        "engine": str(run.engine.choice),
        "device": str(run.engine.device),
        "dtype": run.engine.dtype_name,
        "seed": run.plan.seed,
        "parameters": run.spec.num_parameters,
        "epochs": _num_epochs(run, data),
        "steps": _num_steps(run),
        **always,
        **figures,
        **({"baselines": dict(known)} if known else {}),
        "seconds": run.seconds,
    }


def _num_epochs(run: Run, data: Dataset) -> int:
    """The number of whole epochs; of several networks, whose folds differ in size, up to the last shown one."""
    if num_members(run.spec) > 1:
        return run.history[-1].index
    return run.engine.num_updates // run.plan.steps_per_epoch(data.num_rows)


def _num_steps(run: Run) -> int:
    """The number of steps of the network, or of each of several."""
    return run.history[-1].step if num_members(run.spec) > 1 else run.engine.num_updates
