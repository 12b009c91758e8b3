"""Many networks at once: seeds, folds, learning rates, grids.

Each is trained as it would be alone. This file makes them and divides them among ranks; `pool.py` trains those of one
rank.
"""

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar, final

import torch

from ..agreement import begun_alike, of_fleet
from ..check import InputError, at_least, instances, refuse
from ..datasets._base import Dataset
from ..engines._engine import Engine
from ..engines._make import find_device, make_engine
from ..engines._memory import Several, check_memory_together
from ..engines.fused import FusedEngine
from ..machine.garbage import uncollected
from ..machine.threads import num_processors, one_thread
from ..net import NetSpec
from ..plan import TrainPlan
from ..ranks import ALONE, Ranks
from ..train import check_start
from .alike import Pattern, can_be_packed, likenesses
from .batched.kinds import are_for, divided, kind_of_plan, kind_of_rows
from .chunks import Chunk, Waiting, chunks_of
from .member import Member, packed, result_of, unpacked
from .pool import threads_of, train_chunks, train_members

Item = TypeVar("Item", NetSpec, Dataset, TrainPlan)


def fit_many(  # noqa: PLR0913  (three of them are one network's, as in `fit`)
    specs: NetSpec | Sequence[NetSpec],
    data: Dataset | Sequence[Dataset],
    plans: TrainPlan | Sequence[TrainPlan],
    engine: str = "auto",
    *,
    dtype: str = "float32",
    device: str | torch.device = "auto",
    every: int | None = None,
    num_threads: int | None = None,
    ranks: Ranks = ALONE,
) -> list[Member]:
    """Trains K networks from start to end and returns them in order, each as it would be if it were trained alone.

    On a CPU the results are equal to the bit, except for larger networks that several threads would divide if trained
    alone: these agree up to rounding. So do those on a CUDA device, where networks of one shape and one rule are
    trained as a batch. `member.how` says how each was trained.

    `specs`, `data` and `plans` are one for all networks, or a sequence with one for each. The plan's seed decides a
    network's initial weights, order of the rows and dropout masks. `every` is as in `train`: evaluation, early stopping
    (`patience`, `restore_best`) and metrics use every n-th epoch; by default only the last one, or each if the plan
    depends on them. `temperature_scaling` is left to the caller, who may want one temperature for all.

    `num_threads` threads train, each a network or a pack of networks that are alike: by default as many as there are
    processors. `ranks` (`join_ranks`) divide the networks among themselves, by default with as many threads each as
    torch has: each rank trains every n-th network, then takes over from others. At the end every rank has all of them;
    the engine of one that was trained elsewhere is made on access.

    Ctrl-C ends the networks in training between two steps, and is raised. Raises an `InputError` for no networks, for
    sequences of different lengths, for what `train` refuses, and where all networks together do not fit into memory.

        plans = [TrainPlan(seed=seed, lr=lr) for seed in range(8) for lr in (0.1, 0.01)]
        best = min(fit_many(MLP(4, 16, 3), data, plans), key=lambda member: member.history[-1].valid_loss)
    """
    if num_threads is not None:
        at_least("num_threads", num_threads, 1, "leave it out for all processors")
    if every is not None:
        at_least("every", every, 1, "leave it out to evaluate at the end")
    count = num_threads or (num_processors() if ranks.are_alone else torch.get_num_threads())
    options = FleetOptions(engine, str(dtype).removeprefix("torch."), str(device), every, count)
    with uncollected():
        fleet = begun_alike(ranks, partial(_begun, (specs, data, plans), options, ranks))
    return fleet.trained()


class FleetOptions(NamedTuple):
    """The arguments of `fit_many` that all networks share."""

    engine: str
    dtype: str
    device: str
    every: int | None
    num_threads: int


def _begun(given: tuple[Any, Any, Any], options: FleetOptions, ranks: Ranks, found: dict[str, str]) -> "_Fleet":
    """All networks, with those of this rank made; fills `found` with what must be the same on all ranks."""
    given = tuple(list(value) if isinstance(value, Iterator) else value for value in given)  # type: ignore[assignment]
    size = _size(dict(zip(("specs", "data", "plans"), given, strict=True)))
    each: tuple[Sequence[NetSpec], Sequence[Dataset], Sequence[TrainPlan]]
    each = _each(given[0], size), _each(given[1], size), _each(given[2], size)
    for spec, of_one, plan in zip(*each, strict=True):
        instances(specs=(spec, NetSpec), data=(of_one, Dataset), plans=(plan, TrainPlan))
    members = [
        Member(of_one, plan, partial(engine_for, options, spec, of_one, plan))
        for spec, of_one, plan in zip(*each, strict=True)
    ]
    fleet = _Fleet(members, _Kinds(*each), options, ranks)
    if size > 1:  # a single network is checked as its engine is made
        several, host = fleet.kinds.several(*each), torch.device("cpu")  # from any device to the CPU
        check_memory_together(several, options.dtype, host, options.num_threads, ranks.on_this_machine)
    if not ranks.are_alone:
        found |= of_fleet([*fleet.kinds.found], fleet.kinds.which, *each[1:], f"{options.engine} in {options.dtype}")
        found |= {"every": str(options.every), "device": find_device(options.device, options.dtype).type}
    fleet.begin(each[0] if are_for(find_device(options.device, options.dtype), options.engine) else None)
    return fleet


@final
class _Fleet:
    """A fleet that ranks divide: each makes and trains every n-th network, then takes from those that are behind."""

    def __init__(self, members: Sequence[Member], kinds: "_Kinds", options: FleetOptions, ranks: Ranks) -> None:
        self.kinds = kinds
        self._members, self._every, self._num_threads = members, options.every, options.num_threads
        self._ranks, self._own = ranks, members[ranks.rank :: ranks.size]
        self._chunks: list[Chunk] | None = None

    def begin(self, in_batches: Sequence[NetSpec] | None) -> None:
        """Makes this rank's networks and offers their chunks; raises an `InputError` for what is refused.

        `in_batches` are the specs of all networks if they may be batches, else None.
        """
        if in_batches is not None:
            share = slice(self._ranks.rank, None, self._ranks.size)
            _give_kinds(self._own, in_batches[share], self.kinds.which[share])
            _prepare_batches(self._own)
        else:
            for member in self._left_by_patterns(self._ranks.rank):
                _ = member.engine
            self._chunks = chunks_of(self._own, self._every, None, self._num_threads)
        if self._ranks.chunks is not None:
            self._ranks.chunks.offers(len(self._chunks or ()), self._num_threads)

    def trained(self) -> list[Member]:
        """Trains, and returns all networks, including those that others have trained."""
        done = self._own
        if self._chunks is None:
            train_members(self._own, self._every, self._num_threads)
        else:
            waiting = Waiting(self._chunks, self._ranks, self._chunks_of_another)
            with one_thread():
                train_chunks(waiting, threads_of(self._chunks, self._num_threads), self._every, None)
            done = [member for chunk in waiting.taken for member in chunk.members]
        if not self._ranks.are_alone:
            with uncollected():
                self._tell_each_other(done)
        return [*self._members]

    def _chunks_of_another(self, rank: int) -> list[Chunk]:
        """The chunks of another rank, divided as that rank has divided them."""
        assert self._ranks.chunks is not None
        self._left_by_patterns(rank)
        members = self._members[rank :: self._ranks.size]
        return chunks_of(members, self._every, None, self._ranks.chunks.threads_of(rank))

    def _left_by_patterns(self, rank: int) -> list[Member]:
        """Gives networks that are alike a common pattern; returns the others."""
        share = slice(rank, None, self._ranks.size)
        groups: dict[int, list[Member]] = {}
        for member, kind in zip(self._members[share], self.kinds.which[share], strict=True):
            groups.setdefault(kind, []).append(member)
        left: list[Member] = []
        for kind, group in groups.items():
            pattern = self.kinds.pattern(kind, group[0]) if len(group) > 1 else None
            if pattern is None:
                left += group
            else:
                for member in group:
                    member.pattern = pattern
        return left

    def _tell_each_other(self, done: Sequence[Member]) -> None:
        places = {id(member): k for k, member in enumerate(self._members)}
        own = [places[id(member)] for member in done], packed([result_of(member) for member in done])
        everyone = self._ranks.gathered(own)
        assert sorted(k for which, _ in everyone for k in which) == [*range(len(self._members))], "each of them once"
        for rank, (which, networks) in enumerate(everyone):
            if rank != self._ranks.rank:
                for k, as_told in zip(which, unpacked(networks), strict=True):
                    self._members[k].take_result(as_told)


@final
class _Kinds:
    """Which networks are alike (`which`: the index of each one's kind in `found`), and the patterns that train them."""

    def __init__(self, specs: Sequence[NetSpec], data: Sequence[Dataset], plans: Sequence[TrainPlan]) -> None:
        self.found, self.which = likenesses(specs, data, plans)
        self._patterns: dict[int, Pattern | None] = {}

    def several(self, specs: Sequence[NetSpec], data: Sequence[Dataset], plans: Sequence[TrainPlan]) -> list[Several]:
        """The number of networks of each kind, by kind."""
        counts, firsts = Counter(self.which), dict[int, int]()
        for k, kind in enumerate(self.which):
            firsts.setdefault(kind, k)
        return [
            Several(counts[kind], plans[k].sized(specs[k], data[k]), plans[k], data[k].num_rows)
            for kind, k in firsts.items()
        ]

    def pattern(self, kind: int, first: Member) -> Pattern | None:
        """The pattern of a kind, made on first use; None if each network needs its own engine."""
        if kind not in self._patterns:
            engine = first.new_engine()
            if can_be_packed(engine, first.data, first.plan):
                assert isinstance(engine, FusedEngine)
                check_start(engine, first.data, first.plan, first.plan.epochs, is_new=True)
                self._patterns[kind] = Pattern(engine, first.new_engine, first.data, first.plan)
            else:
                first.adopt(engine)
                self._patterns[kind] = None
        return self._patterns[kind]


def engine_for(options: FleetOptions, spec: NetSpec, data: Dataset, plan: TrainPlan) -> Engine:
    """One network's engine, with the sizes that the data give it."""
    sized = plan.sized(spec, data)
    return make_engine(options.engine, sized, plan, dtype=options.dtype, device=options.device, num_rows=data.num_rows)


def _give_kinds(members: Sequence[Member], specs: Sequence[NetSpec], which: Sequence[int]) -> None:
    """Sets the sized spec of each network, and the same `kind` for those that can be one batch.

    Networks that are alike, by `which`, differ in less than those of a batch may, so one of them stands for all.
    """
    known: dict[int, tuple[NetSpec, object]] = {}
    marks: dict[Hashable, object] = {}
    for member, spec, number in zip(members, specs, which, strict=True):
        if number not in known:
            sized = member.plan.sized(spec, member.data)
            kind = kind_of_rows(sized, member.data), kind_of_plan(member.plan)
            known[number] = sized, marks.setdefault(kind, object())
        member.sized, member.kind = known[number]


def _prepare_batches(members: Sequence[Member]) -> None:
    """Makes the engine of each network; for a batch, only that of the first."""
    batches, left = divided(members)
    for member in [*(batch[0] for batch in batches), *left]:
        _ = member.engine


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
    """A value for each network."""
    return given if isinstance(given, list | tuple) else [given] * size  # type: ignore[list-item]  # one item
