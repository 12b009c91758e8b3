"""`fivestep sweep TASK`, `fivestep sweep FILE` and `fivestep sweep --resume FOLDER`."""

import os
import shlex
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from ..check import DivergenceError, InputError, at_least
from ..machine.interrupt import termination_raises
from ..run import Run
from ..scores import measured
from ..sweep import Candidates, Space, Sweep, SweepPlan, start
from ..sweep.ledger import HIDDEN, to_be_kept
from ..sweep.mark import MARK, read_mark, write_mark
from ..sweep.sweeping import PICTURE, TABLE
from . import DONE, INTERRUPTED, TERMINATED
from ._candidates import of_table, of_task
from ._live import live
from ._options import given, written
from ._screen import print_whole, temperature_set
from ._sweep_options import SharedOptions, SpaceOptions, SweepOptions
from ._sweep_screen import SHOWN_AT_END, SweepScreen, ranked_table
from ._table_options import TableOptions
from ._table_screen import show_columns, show_scores
from ._task import is_file
from ._values import json_text

if TYPE_CHECKING:
    from ..datasets._table import LoadedTable


def sweep(
    task: str | None = None,
    /,
    *,
    options: SweepOptions = SweepOptions(),  # noqa: B008  (frozen)
    space: SpaceOptions = SpaceOptions(),  # noqa: B008
    shared: SharedOptions = SharedOptions(),  # noqa: B008
    table: TableOptions = TableOptions(),  # noqa: B008
) -> int:
    """Train many networks with settings drawn from ranges and lists, rank them, and train the best as a run.

    `fivestep sweep moons --hidden 8 16,8 --lr 1e-4:1e-1 --models 256` trains 256 networks. They are ranked by the
    validation part; the test part is measured for the best one only. A sweep that was stopped or killed goes on with
    `fivestep sweep --resume FOLDER`. The same command with the same --out in another process, or with the same
    --storage on another machine, shares the work.

    Parameters
    ----------
    task
        Name of the task (`fivestep tasks` lists them), or a file, with --target, as in `fivestep train`.
    """
    if options.resume is not None:
        return _resumed(options, task, space, shared)
    if task is None:
        raise InputError(
            "TASK must be the name of a task or a file, got none; write for example fivestep sweep moons --lr 1e-4:1, "
            "or fivestep sweep houses.csv --target price --lr 1e-4:1e-1. See fivestep tasks."
        )
    is_first, is_alone = os.environ.get("RANK", "0") == "0", os.environ.get("WORLD_SIZE", "1") == "1"
    if options.out is None and not is_alone:
        raise InputError("--out must name the folder that the processes share, got none under torchrun; write --out F.")
    console = Console(stderr=options.json, highlight=False, quiet=not is_first)
    with termination_raises():
        found, loaded = _prepare(task, options, space, shared, table)
        _remember(found, task, options, space, shared, table)
        if loaded is not None:
            show_columns(console, loaded, found.candidates.info["table"])
        code = _train(console, found, options)
        if code == DONE:
            _show_results(console, found, as_json=options.json and is_first)
    return code


def _prepare(
    task: str, options: SweepOptions, space: SpaceOptions, shared: SharedOptions, table: TableOptions
) -> "tuple[Sweep, LoadedTable | None]":
    """Prepares everything up to the first network, the cheap checks first."""
    if options.threads is not None:
        at_least("threads", options.threads, 1, "leave it out")
    how = SweepPlan(
        models=options.models,
        halving=None if options.halving == "off" else options.halving,
        sampler=options.sampler,
        sampler_seed=options.sampler_seed,
        fleet=options.fleet,
        num_threads=options.threads,
        engine=options.engine,
        dtype=options.dtype,
        device=options.device,
        every=options.every,
        name=options.name,
    )
    settings = Space.of({**given(shared), **space.settings()})
    if not settings.varied:
        raise InputError(
            "a sweep must vary at least one setting, got one value for each; write for example --lr 1e-4:1e-1, or use "
            "fivestep train."
        )
    loaded: LoadedTable | None = None
    candidates: Candidates
    if is_file(task):
        candidates, loaded = of_table(table.source(Path(task), options.valid), shared.model, options, settings.fixed)
    else:
        table.check_unused(task)
        candidates = of_task(task, shared.model, options, settings.fixed.get("seed", 0))
    return start(candidates, settings, how, options.out, options.storage), loaded


def _train(console: Console, found: Sweep, options: SweepOptions) -> int:
    """Trains to the end, or until it is interrupted. Returns the exit code."""
    first = found.status
    console.print(f"{first.num_models:,} networks, {found.described}; in {found.path}\n", markup=False, soft_wrap=True)
    try:
        screen = SweepScreen(console, found)
        with closing(_stream(found, options)) as statuses, live(console, screen):
            for _ in statuses:
                screen.show()
        screen.show()  # of a sweep that had ended before, nothing was said yet
        found.finish()
    except (KeyboardInterrupt, SystemExit) as stop:
        if isinstance(stop, SystemExit) and stop.code != TERMINATED:
            raise
        word, code = ("interrupted", INTERRUPTED) if isinstance(stop, KeyboardInterrupt) else ("terminated", TERMINATED)
        console.print(f"\n{word} after {found.status.num_over:,} networks", soft_wrap=True)
        console.print(f"It goes on with: fivestep sweep --resume {found.path}", markup=False, soft_wrap=True)
        return code
    return DONE


def _stream(found: Sweep, options: SweepOptions) -> Any:
    """The statuses of a sweep while it is trained here, or on a Ray cluster."""
    if options.ray is None:
        return found.train()
    from ..sweep.on_ray import train_on_ray

    return train_on_ray(found, options.ray)


def _show_results(console: Console, found: Sweep, *, as_json: bool) -> None:
    """Shows the ranking, and the best network on every part: the only place where a test part is used."""
    best = found.best
    if best is None:
        raise DivergenceError(
            f"the loss must stay finite, got none that did; try lower rates. See {found.path / TABLE}"
        )
    console.print()
    shown = found.ranking[:SHOWN_AT_END]
    print_whole(console, ranked_table(found, shown, console.width))
    if any(one.state == "pruned" for one in shown):
        words = "Pruned networks come after those that trained to the end, whatever they had reached by then."
        console.print(words, soft_wrap=True)
    data = found.candidates.data
    parts = {"train": data.train, "valid": data.valid, "test": data.test}
    scores = {part: (len(rows), measured(best, rows)) for part, rows in parts.items() if rows is not None}
    console.print(f"\nNetwork {best.info['network']}, trained again:", markup=False)
    show_scores(console, scores)
    if (word := temperature_set(best.info, best.plan)) is not None:
        console.print(word, markup=False, soft_wrap=True)
    console.print(f"\nIts run is in {best.path}, the ranking in {found.path / TABLE}", markup=False, soft_wrap=True)
    if as_json:
        figures = {part: score.figures() for part, (_, score) in scores.items()}
        named = {f"{part}_{name}": value for part, of_part in figures.items() for name, value in of_part.items()}
        print(json_text(_report(found, best, named)))  # noqa: T201


def _report(found: Sweep, best: Run, figures: dict[str, Any]) -> dict[str, Any]:
    """The sweep as one JSON object."""
    winner = next(one for one in found.ranking if one.network == best.info["network"])
    counts = {state: sum(one.state == state for one in found.ranking) for state in ("done", "pruned", "diverged")}
    return {
        "task": found.candidates.data.name,
        "sweep": str(found.path),
        "networks": found.num_models,
        **counts,
        "table": str(found.path / TABLE),
        "picture": str(found.path / PICTURE),
        "run": str(best.path),
        "network": winner.network,
        "settings": dict(winner.drawn),
        "value": winner.value,
        **figures,
    }


def _remember(found: Sweep, task: str, *several: Any) -> None:
    """Stores the command in the sweep's folder, with full paths, for `--resume`."""
    options, *others = several
    full = {name: _full(getattr(options, name)) for name in ("data_dir", "valid")}
    words = written(replace(options, **full), *others, without=("out", "resume", "json", "models", "ray", "storage"))
    name = shlex.quote(str(Path(task).resolve()) if is_file(task) else task)
    kept: dict[str, Any] = {"command": f"{name}{words}", "models": found.num_models}
    if options.storage is not None:
        where = found.storage
        kept["storage"] = str(where.resolve()) if isinstance(where, Path) else to_be_kept(where)
    with found.alone():
        write_mark(found.path, found.about, kept)


def _full(path: Any) -> Any:
    return path.resolve() if isinstance(path, Path) else path


def _resumed(options: SweepOptions, task: str | None, *others: Any) -> int:
    """Resumes the sweep in a folder with its own options; the number of networks, and where they train, may differ."""
    assert options.resume is not None
    kept = {
        name: getattr(options, name) for name in ("resume", "models", "json", "ray", "threads", "device", "storage")
    }
    if task is not None or options != SweepOptions(**kept) or any(one != type(one)() for one in others):
        raise InputError(
            "--resume must be used alone, or with --models, --threads, --device, --storage, --ray and --json, got "
            "more; the sweep goes on with its own options, so leave them out."
        )
    words, models, storage = _command_in(options.resume)
    if options.storage is None and storage is not None and HIDDEN in storage:
        raise InputError(
            f"--resume must be used with --storage where that has a password, which is not kept, got {storage!r}; "
            f"write --storage with it."
        )
    more = {"models": options.models or models, "storage": options.storage or storage}
    more |= {"threads": options.threads, "ray": options.ray}
    given = [word for name, value in more.items() if value is not None for word in (f"--{name}", str(value))]
    given += ["--device", options.device] if options.device != SweepOptions.device else []
    from ._app import run

    return run(["sweep", *words, *given, *(["--json"] if options.json else []), "--out", str(options.resume)])


def _command_in(folder: Path) -> tuple[Sequence[str], int, str | None]:
    """The arguments of the command that a sweep was begun with, its number of networks, and its storage."""
    path = folder / MARK
    if not path.exists():
        raise InputError(
            f"--resume must be the folder of a sweep, with a {MARK} in it, got {str(folder)!r}; see ls runs."
        )
    kept = read_mark(folder)
    if "command" not in kept:
        raise InputError(
            f"{path} must hold the command of a sweep, got none, as of one that was killed before its first network; "
            f"write the sweep's own command again with --out {folder}."
        )
    try:
        words = [word for word in shlex.split(kept["command"]) if word != "--resume"]
        return words, int(kept["models"]), kept.get("storage")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} must hold the command of a sweep, got {type(error).__name__}: {error}; repeat the sweep's own "
            f"command with --out {folder}."
        ) from error
