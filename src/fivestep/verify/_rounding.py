"""Whether rounding explains a difference: the second engine compared with itself, its weights moved by one unit.

The row weights, 1 / N, are moved too. Where the gradients of the rows cancel exactly, as those of `mae` do, one order
of summation leaves 0 and another leaves noise, which a rule that divides by the size of the gradient amplifies.
"""

import math
from typing import final

import torch
from torch import Tensor

from ..batches import Batch
from ..datasets._base import Dataset
from ..draws import generator
from ..engines._engine import Engine
from ._difference import Difference, largest_gap
from ._moments import moments
from ._stream import stream

EXPLAINED = 100.0
"""A difference of up to so many times the effect of one rounding unit in the weights counts as rounding: two engines
with different orders of summation round differently in every sum of every step, not just once."""

NUM_TRIALS = 12
"""The number of directions tried; the largest effect counts. A line search takes another branch in only a few."""


@final
class Shadow:
    """A copy of an engine that repeats the steps since the last `keep`, from slightly different weights."""

    def __init__(self, engine: Engine, data: Dataset, num_steps: int, unit: float) -> None:
        self._engine, self._data, self._num_steps, self._unit = engine, data, num_steps, unit
        self._copy: Engine | None = None
        self.keep(0)

    def keep(self, number: int) -> None:
        """From now on the steps begin here, where the engine is reset and step `number` was the last one."""
        self._state, self._number = self._engine.state(), number

    def explains(self, found: Difference, expected: Tensor, *, apart: bool) -> bool:
        """Whether the engine differs from itself as much, in the same place, if its weights are moved by one unit.

        `expected` is its own tensor there. A gradient that remains after step 3 is never rounding, nor is a value that
        is not finite.
        """
        if found.part == 3 or not math.isfinite(found.relative):
            return False
        gaps = [largest_gap((self._seen(found, trial, apart), expected)) for trial in range(NUM_TRIALS)]
        return found.absolute <= EXPLAINED * max(gaps)

    def _seen(self, found: Difference, trial: int, apart: bool) -> Tensor:
        """The tensor in that place, from moved weights."""
        if self._copy is None:
            own = self._engine
            self._copy = type(own)(own.spec, own.plan, own.dtype, own.device, **own.options)
        self._copy.load_state(self._state, 0)
        self._copy.params.grad.zero_()
        _move_(self._copy.params.flat, self._unit, trial)
        for upcoming in stream(self._copy, self._data, self._num_steps, self._number):
            noisy = upcoming._replace(batch=_moved(upcoming.batch, self._unit, trial))
            for moment in moments(self._copy, noisy, apart=apart):
                if (upcoming.number, moment.part) == (found.step, found.part):
                    return moment.tensors[found.key]
        raise AssertionError("the step that differed did not come again")


def _moved(batch: Batch, unit: float, trial: int) -> Batch:
    """The same rows, each weight moved up or down by one unit in the last place."""
    x, _, weight = batch
    shares = x.new_full((len(x),), 1 / len(x)) if weight is None else weight.clone()
    _move_(shares, unit, trial)
    return batch._replace(weight=shares)


def _move_(flat: Tensor, unit: float, trial: int) -> None:
    """Moves each weight up or down by one unit in the last place, which is up to two roundings."""
    signs = torch.empty(len(flat)).uniform_(-1, 1, generator=generator(trial)).sign().to(flat)
    flat.mul_(1 + 2 * unit * signs)
