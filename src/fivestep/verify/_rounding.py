"""Whether rounding explains a difference: the second engine against itself, its weights moved by one unit."""

from itertools import islice

import torch
from torch import Tensor

from ..draws import generator
from ._lockstep import Lockstep, stream
from ._moments import moments
from ._tolerance import UNITS

EXPLAINED = 100.0
"""A difference up to so many times what one rounding unit in the weights makes of itself is rounding: two engines that
add in another order round differently in every sum of every step, not once."""

NUM_TRIALS = 3
"""Directions that are tried; the largest answer counts."""


def moved_by_rounding(lock: Lockstep) -> float:
    """How far one rounding unit in the initial weights moves the tensor that differs, at the place where it differs.

    The largest absolute difference between the second engine's tensor and what it computes from weights that are
    moved by at most one unit in their last place, in the largest of a few trials. Both engines are left new.
    """
    found = lock.first
    assert found is not None
    expected = lock.records[1].now[found.part][found.key]
    largest = 0.0
    for trial in range(NUM_TRIALS):
        lock.restart()
        _move_(lock.other.params.flat, UNITS[lock.tolerance.precision], trial)
        largest = max(largest, _distance(_seen(lock), expected))
    lock.restart()
    return largest


def _seen(lock: Lockstep) -> Tensor:
    """The second engine's tensor, at that place."""
    found = lock.first
    assert found is not None
    for upcoming in islice(stream(lock.other, lock.data, lock.num_steps), found.step):
        for moment in moments(lock.other, upcoming, apart=lock.apart):
            if upcoming.number == found.step and moment.part == found.part:
                return moment.tensors[found.key]
    raise AssertionError("the step that differed did not come again")


def _move_(flat: Tensor, unit: float, trial: int) -> None:
    """Moves each weight up or down by one unit in its last place, which is up to two roundings."""
    signs = torch.empty(len(flat)).uniform_(-1, 1, generator=generator(trial)).sign().to(flat)
    flat.mul_(1 + 2 * unit * signs)


def _distance(one: Tensor, other: Tensor) -> float:
    return (one - other).abs().nan_to_num(nan=torch.inf).max().item() if one.numel() else 0.0
