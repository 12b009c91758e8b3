"""Many networks at once: seeds, folds, learning rates, grids. Each is trained as it would be alone.

In a pool of threads, each of which takes a network, or a pack of those that are alike: the compiled body of `fused`
holds no lock of Python's while it works, and a small network with its data stays in the cache of one processor from the
first step to the last. So a network that diverges, or that stops early, is no concern of the others. On a CUDA device
networks of one kind are one batch (`batched/`), and those left take their turns as they do here.
"""

import os
import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar, final

import torch

from .agreement import check_fleet
from .alike import Pattern, can_take_turns, likeness
from .batched.batch import Batch
from .batched.kinds import LEAST, are_for, divided, kind_of_plan, kind_of_rows
from .check import DivergenceError, InputError, at_least, refuse
from .datasets._base import Dataset
from .engines._base import Engine
from .engines._make import find_device, make_engine
from .engines.fused import FusedEngine
from .garbage import uncollected
from .interrupt import interrupted_by
from .member import Member, packed, told, unpacked
from .net import NetSpec
from .plan import TrainPlan
from .ranks import ALONE, Ranks
from .train import check_start, train

Item = TypeVar("Item", NetSpec, Dataset, TrainPlan)


def fit_many(  # noqa: PLR0913  (three of them are one network's, as in `fit`)
    specs: NetSpec | Sequence[NetSpec],
    data: Dataset | Sequence[Dataset],
    plans: TrainPlan | Sequence[TrainPlan],
    engine: str = "auto",
    *,
    dtype: str = "float32",
    device: str = "auto",
    every: int | None = None,
    num_threads: int | None = None,
    ranks: Ranks = ALONE,
) -> list[Member]:
    """Trains K networks from start to end and returns them in order; number k is the same as trained alone, to the bit.

    On a CUDA device, where those of one shape and one rule are trained as a batch, it is so to rounding; `member.how`
    says how each was trained.

    `specs`, `data` and `plans` are one for all networks, or a sequence with one for each. Each has its own seed, and so
    its own initial weights, order of the rows and dropout masks. `every` is as in `train`: evaluation, early stopping
    (`patience`, `restore_best`) and metrics go by every n-th epoch, by default by the last alone, or by each where the
    plan goes by them. `num_threads` threads train, each a network or a pack of those that are alike, by default as many
    as there are processors, or as torch has threads where `ranks` (`join_ranks`) divide the fleet: each rank trains
    every n-th network without a word to the others, and at the end all have all of them; the engine of one trained
    elsewhere is made when one looks at it. Ctrl-C ends the networks that are being trained between two steps, and is
    raised. Raises an `InputError` for no networks, for sequences of different lengths, and for what `train` refuses.

        plans = [TrainPlan(seed=seed, lr=lr) for seed in range(8) for lr in (0.1, 0.01)]
        best = min(fit_many(MLP(4, 16, 3), data, plans), key=lambda member: member.history[-1].valid_loss)
    """
    size = ranks.all_or_none(lambda: _size({"specs": specs, "data": data, "plans": plans}))
    each = _each(specs, size), _each(data, size), _each(plans, size)
    check_fleet(ranks, *each, f"{engine} in {dtype}")
    members = [
        Member(of_one, plan, partial(_engine, engine, spec, of_one, plan, dtype, device))
        for spec, of_one, plan in zip(*each, strict=True)
    ]
    own, specs = members[ranks.rank :: ranks.size], each[0][ranks.rank :: ranks.size]
    if are_for(find_device(device, dtype), engine):
        _give_kinds(own, specs)
        ranks.all_or_none(lambda: _prepare_batches(own))
    else:
        ranks.all_or_none(lambda: _prepare(own, specs))  # the others' engines are made when one looks at them
    train_members(own, every, num_threads if ranks.are_alone else num_threads or torch.get_num_threads())
    if not ranks.are_alone:
        for rank, trained in enumerate(ranks.gathered(packed([told(member) for member in own]))):
            if rank != ranks.rank:
                for member, as_told in zip(members[rank :: ranks.size], unpacked(trained), strict=True):
                    member.is_trained(as_told)
    return members


def _engine(name: str, spec: NetSpec, data: Dataset, plan: TrainPlan, dtype: str, device: str) -> Engine:
    sized = plan.sized(spec, data)
    return make_engine(name, sized, plan, dtype=dtype, device=device, num_rows=data.num_rows)


def _give_kinds(members: Sequence[Member], specs: Sequence[NetSpec]) -> None:
    """Says of each network what it will be, and gives those that can be one batch the same mark."""
    sized: dict[Hashable, tuple[NetSpec, int]] = {}
    rows: dict[Hashable, int] = {}
    marks: dict[Hashable, object] = {}
    for member, spec in zip(members, specs, strict=True):
        plan, data = member.plan, member.data
        key = id(spec), id(data), plan.loss
        if key not in sized:
            found = plan.sized(spec, data)
            sized[key] = found, rows.setdefault(kind_of_rows(found, data), len(rows))
        member.sized, of_rows = sized[key]
        member.kind = marks.setdefault((of_rows, kind_of_plan(plan)), object())


def _prepare_batches(members: Sequence[Member]) -> None:
    """Makes the engine of each network, but of those that are a batch only the first's."""
    batches, left = divided(members)
    for member in [*(batch[0] for batch in batches), *left]:
        _ = member.engine


def _prepare(members: Sequence[Member], specs: Sequence[NetSpec]) -> None:
    """Makes the engine of each network, but one for all those that are alike."""
    groups: dict[Hashable, list[Member]] = {}
    for member, spec in zip(members, specs, strict=True):
        groups.setdefault(likeness(spec, member.data, member.plan), []).append(member)
    for group in groups.values():
        first = group[0]
        engine = first.new_engine()
        if len(group) > 1 and can_take_turns(engine, first.data, first.plan):
            assert isinstance(engine, FusedEngine)
            pattern = Pattern(engine, first.new_engine, first.data, first.plan)
            for member in group:
                member.pattern = pattern
        else:
            first.takes(engine)
            for member in group[1:]:
                _ = member.engine


def train_members(
    members: Sequence[Member], every: int | None = None, num_threads: int | None = None, until: int | None = None
) -> None:
    """Trains each network to its end, or up to epoch `until`, which it then evaluates; a later call goes on from there.

    `every` and `num_threads` are as in `fit_many`.
    """
    if num_threads is not None:
        at_least("num_threads", num_threads, 1, "leave it out for all processors")
    count = num_threads or os.cpu_count() or 1
    before, is_over = torch.get_num_threads(), threading.Event()
    torch.set_num_threads(1)  # the networks share the processors, not the arithmetic of one
    try:
        tasks = _tasks(_after_batches(members, every, until), every, until, count)
        waiting = iter(tasks)
        with ThreadPoolExecutor(count) as pool:  # which begins threads when there is work for them
            try:
                others = [pool.submit(_work, waiting, is_over) for _ in range(min(count, len(tasks)) - 1)]
                _work(waiting, is_over)  # this thread too: to begin another one takes as long as some hundred steps
                for other in others:
                    other.result()
            except BaseException:
                is_over.set()
                raise
    finally:
        torch.set_num_threads(before)


def _after_batches(members: Sequence[Member], every: int | None, until: int | None) -> list[Member]:
    """Trains those that can be batches; returns those that are left to be trained by themselves."""
    batches, left = divided(members)
    while batches:
        members = batches.pop()
        alone = _train_batch(members, every, until)
        if alone is not None:
            left += alone
            continue
        for half in (members[: len(members) // 2], members[len(members) // 2 :]):
            as_far, others = divided(half)  # some may have come further than others, or to their end
            batches += as_far
            left += others
    return left


def _train_batch(members: Sequence[Member], every: int | None, until: int | None) -> list[Member] | None:
    """Trains one batch; returns those that are left to be trained by themselves, or None where memory ran out."""
    try:
        with uncollected():
            batch = Batch(members, every)
        alone = batch.train(until)
    except torch.OutOfMemoryError:
        if len(members) < 2 * LEAST:
            raise
        return None
    for member in members:
        member.how = batch.how
    return alone


FEW = 2
"""Networks in a pack, at least: what is done once for a pack takes as long as some hundred steps."""


@final
class Packs:
    """Networks that wait for their turn, of which each thread takes a pack at a time.

    Packs become smaller towards the end, so that all threads come to it at the same time.
    """

    def __init__(self, members: Sequence[Member], pattern: Pattern, num_threads: int) -> None:
        self._members, self._most, self._share = members, pattern.most, 2 * num_threads
        self._lanes = pattern.lanes
        self._taken, self._lock = 0, threading.Lock()

    def take(self) -> Sequence[Member]:
        """The next networks; none if all have been taken."""
        with self._lock:
            left = len(self._members) - self._taken
            count = min(self._most, max(FEW, left // self._share))
            if left >= self._share // 2 * self._lanes:  # enough that each thread has a whole register of them
                count = max(self._lanes, count - count % self._lanes)
            count = min(left, self._most, count)
            self._taken += count
            return self._members[self._taken - count : self._taken]


Task = Callable[[threading.Event], None]
"""Trains one network, or several of those that are alike, until the event is set."""


def _tasks(members: Sequence[Member], every: int | None, until: int | None, num_threads: int) -> list[Task]:
    """One for each network; for those that are alike, have no engine and are measured at their end, one each thread."""
    groups: dict[int, list[Member]] = {}
    tasks: list[Task] = []
    for member in members:
        pattern = member.pattern
        if until is None and pattern is not None and not member.has_engine and pattern.is_measured_once(every):
            groups.setdefault(id(pattern), []).append(member)
        else:
            tasks.append(partial(_train_alone, member, every, until))
    for group in groups.values():
        pattern = group[0].pattern
        assert pattern is not None
        check_start(pattern.engine, pattern.data, pattern.plan, pattern.plan.epochs, is_new=True)
        packs = Packs(group, pattern, num_threads)
        tasks += [partial(_take_turns, pattern, packs) for _ in range(min(num_threads, len(group)))]
    return tasks


def _work(waiting: Iterator[Task], is_over: threading.Event) -> None:
    """Does one task after another, until there are none or `is_over` is set, which ends it between two steps."""
    with interrupted_by(is_over):
        for task in waiting:
            try:
                task(is_over)
            except BaseException:
                if is_over.is_set():  # what ends the others has been raised where it was
                    return
                is_over.set()
                raise
            if is_over.is_set():
                return


def _train_alone(member: Member, every: int | None, until: int | None, _is_over: threading.Event) -> None:
    _train(member, every, until)


def _take_turns(pattern: Pattern, waiting: Packs, is_over: threading.Event) -> None:
    """Trains those that are waiting, a pack at a time, together with other threads; one that diverges, by itself."""
    turns = None
    while (pack := waiting.take()) and not is_over.is_set():
        turns = turns or pattern.new_turns()
        for member, turn in zip(pack, turns.train([member.plan for member in pack]), strict=True):
            if turn is None:
                _train(member, None, None)
            else:
                member.is_trained(turn)


def _train(member: Member, every: int | None, until: int | None) -> None:
    """Trains one network up to an epoch, the last one by default; a divergence is noted."""
    plan, progress = member.plan, member.progress
    goal = plan.epochs if until is None else min(until, plan.epochs)
    if member.is_over or progress.epochs >= goal:
        return
    shown = every or (1 if member.evaluates_each else goal)
    whole = goal if goal == plan.epochs else goal - goal % shown
    try:
        for stop, each in ((whole, shown), (goal, goal)):  # the stretch that is left up to `until` is a shorter one
            if progress.epochs >= stop or progress.is_over():
                continue
            for _ in train(member.engine, member.data, plan, each, progress):
                if progress.is_over() or progress.epochs >= stop:
                    break
        if progress.is_over():
            progress.best.restore(member.engine)
    except DivergenceError as error:
        member.diverged = str(error)


def _size(given: dict[str, object]) -> int:
    """The number of networks: the length of the sequences, which must agree; one, if there are none."""
    lengths = {name: len(value) for name, value in given.items() if isinstance(value, list | tuple)}
    if 0 in lengths.values():
        name = next(name for name, length in lengths.items() if length == 0)
        raise refuse(name, [], "at least one network's", "a fleet of none has nothing to train")
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{length} {name}" for name, length in lengths.items())
        raise InputError(f"specs, data and plans must be one for all networks or one for each, got {said}; even them.")
    return next(iter(lengths.values()), 1)


def _each(given: Item | Sequence[Item], size: int) -> Sequence[Item]:
    """One for each network."""
    return given if isinstance(given, list | tuple) else [given] * size  # type: ignore[list-item]  # one item
