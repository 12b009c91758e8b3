"""Two engines in lockstep: the same weights, batches and draws, compared after each of the five steps."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import final

import torch
from torch import Tensor

from ..batches import Batch
from ..check import InputError
from ..datasets._base import Dataset
from ..engines._base import FiveStepEngine
from ..engines._engine import Engine
from ..preflight import check_data, check_whole_batches
from ..steps import Upcoming
from ._difference import Difference, Scales, difference, largest_gap
from ._moments import WHOLE, Key, Kind, Moment, moments, weights
from ._rounding import Shadow
from ._stream import stream
from ._tolerance import UNITS, Tolerance, tolerance_between

Tensors = Mapping[Key, Tensor]

MADE_BY: Mapping[int, tuple[Kind, ...]] = {
    WHOLE: ("loss", "parameter", "buffer"),
    1: ("logits", "buffer"),
    2: ("loss",),
    3: ("gradient",),
    4: ("gradient",),
    5: ("parameter",),
}
"""The kinds of tensors that each part computes. The others are compared too: they must not change."""

IN_ORDER = {"parameter": 0, "logits": 1, "loss": 1, "gradient": 1, "buffer": 2}
"""The order of comparison: what a part may not change comes before what it computes from that."""


@final
@dataclass
class Records:
    """The tensors of one engine: in this step so far, part by part, and in the whole step before."""

    now: dict[int, Tensors] = field(default_factory=dict)
    last: dict[int, Tensors] = field(default_factory=dict)

    def next_step(self) -> None:
        """Makes the current step the previous one."""
        self.last, self.now = self.now, {}


@final
@dataclass
class Lockstep:
    """Iterating does the steps, up to the first difference that rounding does not explain, and yields their numbers.

    If a difference beyond the tolerance is explained by rounding, it goes to `roundings`, the rest of the step is not
    compared, and both begin anew from the weights of the second engine; `num_before` steps were done before the last
    such restart. Afterwards `largest` holds, for each part that was looked at, the largest absolute and the largest
    relative difference within the tolerance; `first` the first one that rounding does not explain, if any; and
    `records`, `upcoming`, `before` (the second engine's weights and buffers before the step) what there was around it.
    """

    one: Engine
    other: Engine
    data: Dataset
    num_steps: int
    tolerance: Tolerance = field(init=False)
    largest: dict[int, tuple[Difference, Difference]] = field(default_factory=dict)
    compared: dict[Key, None] = field(default_factory=dict)
    num_done: int = 0
    num_before: int = 0
    first: Difference | None = None
    roundings: list[Difference] = field(default_factory=list)
    records: tuple[Records, Records] = field(default_factory=lambda: (Records(), Records()))
    upcoming: Upcoming | None = None
    last_batch: Batch | None = None
    before: Tensors = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check(self.one, self.other)
        for engine in (self.one, self.other):
            check_data(engine, self.data)
            check_whole_batches(engine.plan, self.data)
        self.one.load_weights(self.other.params.named_with_buffers())
        self.tolerance = tolerance_between(self.one, self.other)
        self._scales = Scales()
        self._start = self.one.state(), self.other.state()
        self._shadow = Shadow(self.other, self.data, self.num_steps, UNITS[self.tolerance.precision])

    def restart(self) -> None:
        """Resets both engines to their initial state."""
        for engine, state in zip((self.one, self.other), self._start, strict=True):
            engine.load_state(state, 0)
            engine.params.grad.zero_()

    @property
    def apart(self) -> bool:
        """Whether both engines show the five parts of a step separately."""
        return isinstance(self.one, FiveStepEngine) and isinstance(self.other, FiveStepEngine)

    def __iter__(self) -> Iterator[int]:
        streams = (stream(engine, self.data, self.num_steps) for engine in (self.one, self.other))
        for pair in zip(*streams, strict=True):
            self.upcoming, self.before = pair[1], weights(self.other)
            self._step(*pair)
            self.num_done += self.first is None
            yield pair[1].number
            if self.first is not None:
                return
            self.last_batch = pair[1].batch.copied()
            for records in self.records:
                records.next_step()

    def _step(self, mine: Upcoming, its: Upcoming) -> None:
        parts = zip(moments(self.one, mine, apart=self.apart), moments(self.other, its, apart=self.apart), strict=True)
        is_rounding = False
        for moment, its_moment in parts:
            for records, seen in zip(self.records, (moment, its_moment), strict=True):
                records.now[seen.part] = seen.tensors
            found = None if is_rounding else self._compare(its.number, moment, its_moment)
            if found is not None:
                is_rounding = self._shadow.explains(found, its_moment.tensors[found.key], apart=self.apart)
                if not is_rounding:
                    self.first = found
                    return
                self.roundings.append(found)
        if is_rounding:
            self._begin_anew(its.number)

    def _begin_anew(self, number: int) -> None:
        """Resets both engines after step `number`, with the weights of the second.

        The rules' memories differ as much as the gradients did, and would drive the weights apart at once.
        """
        held = self.other.state()
        for engine, start in zip((self.one, self.other), self._start, strict=True):
            engine.load_state({**start, "flat": held["flat"], "buffers": held["buffers"]}, 0)
            engine.params.grad.zero_()
        self.num_before = number
        self._shadow.keep(number)

    def _compare(self, step: int, mine: Moment, its: Moment) -> Difference | None:
        """The first difference beyond the tolerance at this point, in the order of computation."""
        part, made = mine.part, MADE_BY[mine.part]
        for tensors in (mine.tensors, its.tensors):
            self._scales.include(
                {key: value for key, value in tensors.items() if key.kind in made or step == part == 1}
            )
        keys = sorted(its.tensors, key=lambda key: IN_ORDER[key.kind])
        if part == 4:  # the last layer's gradient is computed first
            keys = [*(k for k in keys if k.kind == "parameter"), *_from_the_last(keys)]
        for key in keys:
            self.compared[key] = None
            pair, scale = self._pair(part, key, mine, its), self._scales.of(key, its.tensors[key])
            gap = largest_gap(pair)
            differs = gap / scale > self._limit(step, part, key)
            if differs or (key.kind in made and self._is_news(part, gap, gap / scale)):
                found = difference(step, part, key, pair, scale)
                if differs:
                    return found
                self._note(found)
        return None

    def _is_news(self, part: int, absolute: float, relative: float) -> bool:
        """Whether a difference is the largest so far after this part, so that its location is reported."""
        if part not in self.largest:
            return True
        known = self.largest[part]
        return not (absolute <= known[0].absolute and relative <= known[1].relative)

    def _limit(self, step: int, part: int, key: Key) -> float:
        """The tolerance; 0 for a gradient after step 3."""
        return 0.0 if part == 3 and key.kind == "gradient" else self.tolerance.after(step)

    def _pair(self, part: int, key: Key, mine: Moment, its: Moment) -> tuple[Tensor, Tensor]:
        """The two tensors; after step 3, a gradient that neither has cleared is compared with zero."""
        one, other = mine.tensors[key], its.tensors[key]
        if part == 3 and key.kind == "gradient" and bool(one.any()) and bool(other.any()):
            return one, torch.zeros_like(other)
        return one, other

    def _note(self, found: Difference) -> None:
        absolute, relative = self.largest.get(found.part, (found, found))
        self.largest[found.part] = (
            found if found.absolute > absolute.absolute else absolute,
            found if found.relative > relative.relative else relative,
        )


def _from_the_last(keys: list[Key]) -> list[Key]:
    return sorted((key for key in keys if key.kind == "gradient"), key=lambda key: -int(key.layer))


def _check(one: Engine, other: Engine) -> None:
    """Raises an `InputError` for engines that cannot be compared."""
    for engine in (one, other):
        if engine.num_updates:
            raise InputError(
                f"engines must be new to be compared, got {engine.name!r} after {engine.num_updates} steps; make "
                f"another with make_engine."
            )
    mine, its = one.params.named_with_buffers(), other.params.named_with_buffers()
    if one is other:
        raise InputError("engines must be two to be compared, got the same object twice; make another one.")
    if {key: value.shape for key, value in mine.items()} != {key: value.shape for key, value in its.items()}:
        raise InputError(
            f"engines must have the same network to be compared, got {_shapes(mine)} and {_shapes(its)}; make both "
            f"with one spec."
        )


def _shapes(tensors: Mapping[str, Tensor]) -> str:
    return ", ".join(f"{name} {tuple(value.shape)}" for name, value in tensors.items())
