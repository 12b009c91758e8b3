"""`fivestep train --members K` and `--bagging F`: several networks, whose mean answer the run predicts."""

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING

import torch
from rich.console import Console

from ..check import DivergenceError, InputError, at_least, refuse
from ..datasets._base import Dataset, Rows
from ..datasets._folds import borders_of_periods, check_enough_groups, check_foldable, folds, periods
from ..engines._make import make_engine
from ..engines._memory import Several, check_memory_together
from ..ensemble import ensemble_of
from ..epoch import Epoch
from ..fleet import train_members
from ..fleet.member import Member
from ..machine.threads import num_processors
from ..ranks import Ranks
from ..run import Run
from ..temperature import set_temperature, validation_rows
from . import DONE, INTERRUPTED
from ._options import RunOptions
from ._screen import Screen

if TYPE_CHECKING:
    from ..datasets._table import LoadedTable


def check_members(options: RunOptions, *, by_time: bool) -> bool:
    """Whether several networks are requested; raises an `InputError` for options that do not go with them.

    `by_time`: the latest rows validate, of which `--valid` says how many.
    """
    if options.members is not None:
        at_least("members", options.members, 2, "leave it out for one network")
    if options.bagging is not None:
        at_least("bagging", options.bagging, 2, "5 is usual")
    several = options.members is not None or options.bagging is not None
    if options.bagging is not None and options.valid is not None and not (by_time and isinstance(options.valid, float)):
        raise refuse(
            "--valid", str(options.valid), "left out with --bagging, each fold of which validates once", "use --members"
        )
    for name in ("resume", "report", "track", "merge_duplicates"):
        value = getattr(options, name)
        if several and value:
            option = f"--{name.replace('_', '-')}"
            raise refuse(
                option, str(value), "left out with --members and --bagging", "train one network, or leave it out"
            )
    return several


def check_alone(ranks: Ranks, *, several: bool) -> None:
    """Raises an `InputError` if several networks are requested from several processes."""
    if several and not ranks.are_alone:
        raise InputError(
            f"--members and --bagging must be used in one process, which trains the networks side by side on all its "
            f"processors, got {ranks.size} ranks; leave torchrun out."
        )


def check_folds(data: Dataset, options: RunOptions, loaded: "LoadedTable | None") -> None:
    """Raises an `InputError` if the data cannot be divided as --bagging says."""
    if options.bagging is None:
        return
    num_rows = len(data.train) + (0 if data.valid is None else len(data.valid))
    if options.bagging > num_rows:
        raise refuse("--bagging", options.bagging, f"at most the {num_rows} rows", "5 is usual")
    check_foldable(data, options.bagging, num_rows)
    if loaded is not None and loaded.groups is not None:
        check_enough_groups("--bagging", options.bagging, loaded.groups)
    if loaded is not None and loaded.times is not None:
        borders_of_periods(options.bagging, loaded.times, _num_last(data))


def train_together(console: Console, run: Run, data: Dataset, options: RunOptions, loaded: "LoadedTable | None") -> int:
    """Trains the networks side by side, showing the mean of each epoch, and combines them. Returns the exit code.

    Networks that are interrupted are not kept. Raises a `DivergenceError` if one of them diverges.
    """
    parts = [data] if options.bagging is None else _folds(data, options.bagging, run.plan.seed, loaded)
    members = _members(run, parts, options.members or 1)
    if options.bagging is not None:
        console.print(f"{_folds_in_words(parts, options.members or 1, loaded)}\n", soft_wrap=True)
    shown, epochs = options.every or max(1, run.plan.epochs // 20), run.plan.epochs
    longest = max(members, key=_steps_of)  # folds have fewer rows than the data, and not all the same number
    try:
        with Screen(console, run.engine, longest.data, longest.plan, lambda: _steps_shown(run)).begun() as screen:
            for until in [*range(shown, epochs, shown), epochs]:
                train_members(members, every=_evaluated(run), until=until)
                for member in members:
                    if member.diverged is not None:
                        raise DivergenceError(member.diverged)
                run.history.append(_mean([member.history[-1] for member in members], until))
                screen.show(run.history[-1])
                if all(member.is_over for member in members):
                    break
    except KeyboardInterrupt:
        run.path.rmdir()
        console.print("\ninterrupted: the networks are kept only when all have come to their end; train again.")
        return INTERRUPTED
    engines = [member.engine for member in members]
    if run.plan.temperature_scaling:
        watched = [rows for member in members if (rows := validation_rows(member.engine, member.data)) is not None]
        if watched:
            run.info["temperature"] = round(set_temperature(engines, watched), 4)
    run.engine = ensemble_of(engines)
    run.spec = run.engine.spec
    run.info["members"] = len(members)
    run.save()
    return DONE


def _steps_of(member: Member) -> int:
    """The number of all steps of a network."""
    return member.plan.num_steps(member.data.num_rows)


def _steps_shown(run: Run) -> int:
    """The steps of each network up to the last shown epoch."""
    return run.history[-1].step if run.history else 0


def _evaluated(run: Run) -> int | None:
    """The interval of evaluation: every epoch if the best one counts, else only the shown ones."""
    return 1 if run.plan.restore_best or run.plan.patience is not None else None


def _members(run: Run, parts: Sequence[Dataset], of_each: int) -> list[Member]:
    """The networks before their first step, so many of each part of the rows."""
    dtype = run.engine.dtype_name
    members: list[Member] = []
    together = [Several(len(parts) * of_each, run.spec, run.plan, max(len(part.train) for part in parts))]
    check_memory_together(together, dtype, run.engine.device, num_processors())
    for part in parts:
        size = run.plan.batch_size
        for _ in range(of_each):
            plan = replace(
                run.plan,
                seed=run.plan.seed + len(members),
                batch_size=None if size is None else min(size, len(part.train)),
            )
            engine = make_engine(run.engine.choice, run.spec, plan, dtype=dtype, device=str(run.engine.device))
            members.append(Member(part, plan, engine))
    return members


def _folds(data: Dataset, k: int, seed: int, loaded: "LoadedTable | None") -> list[Dataset]:
    """The rows to train and to validate on in k folds: by chance, of whole groups, or of one period after another."""
    whole = _whole(data)
    if loaded is not None and loaded.times is not None:
        return periods(whole, k, loaded.times, _num_last(data))
    return folds(whole, k, seed, None if loaded is None else loaded.groups)


def _folds_in_words(parts: Sequence[Dataset], of_each: int, loaded: "LoadedTable | None") -> str:
    """A sentence about which rows each network trains and validates on."""
    sizes = [len(part.valid) for part in parts if part.valid is not None]
    some = f"{min(sizes):,} to {max(sizes):,}" if min(sizes) < max(sizes) else f"{sizes[0]:,}"
    who = ("a network that validates", "trains") if of_each == 1 else (f"{of_each} networks that validate", "train")
    for_each = f"for each, {who[0]} on it and {who[1]} on"
    if loaded is not None and loaded.times is not None:
        return f"{len(parts)} periods of {some} rows: {for_each} all before it."
    what = "rows" if loaded is None or loaded.groups is None else "rows, in whole groups"
    return f"{len(parts)} folds of {some} {what}: {for_each} the others."


def _num_last(data: Dataset) -> int:
    """The rows that validate where one network is trained, the latest of those that are not to test on."""
    assert data.valid is not None, "a table has a validation part"
    return len(data.valid)


def _whole(data: Dataset) -> Dataset:
    """The training and validation rows joined, to be divided into folds."""
    if data.valid is None:
        return data
    train, valid = data.train, data.valid
    assert isinstance(valid, Rows), "check_folds has seen to it"
    weight = None
    if train.weight is not None and valid.weight is not None:
        weight = torch.cat([train.weight, valid.weight])
    rows = Rows(torch.cat([train.stored, valid.stored]), torch.cat([train.y, valid.y]), weight, scale=train.scale)
    return replace(data, train=rows, valid=None)


def _mean(last: Sequence[Epoch], index: int) -> Epoch:
    """The mean figures of the networks' last epochs."""

    def mean(name: str) -> float | None:
        values = [getattr(epoch, name) for epoch in last]
        return None if None in values else fmean(values)

    names = ("running_loss", "train_loss", "train_accuracy", "valid_loss", "valid_accuracy", "lr", "rows_per_second")
    metrics = {
        part: {name: fmean(getattr(epoch, part)[name] for epoch in last) for name in getattr(last[0], part)}
        for part in ("train_metrics", "valid_metrics")
    }
    step = max(epoch.step for epoch in last)
    seconds = sum(epoch.seconds for epoch in last)
    figures = {name: mean(name) for name in names}
    return Epoch(index=index, step=step, seconds=seconds, **metrics, **figures)  # type: ignore[arg-type]
