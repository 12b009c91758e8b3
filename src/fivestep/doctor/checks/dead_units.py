"""The units of a layer have no slope any more, whatever the row."""

import math

from .._events import PREDICT, Seen
from .._record import FEWEST, Record

SHARE = 0.9
"""Of the units of a layer. Measured: of torch's own initial weights with ReLU at most 0.81 have no slope for any of 320
standard normal rows (16 to 256 units, one to six layers, 2 to 200 inputs, twenty seeds of each)."""


def dead_units(record: Record) -> Seen | None:
    """The loss does not fall, and nine in ten units of an activation had no slope for any row in ten rounds seen.

    A ReLU has none below 0; a sigmoid or a tanh has next to none (below 0.001) near the ends of its range. No gradient
    goes through such a unit, so the weights in front of it stay as they are. Most often one large update did it, or
    inputs that are far too large. While the loss falls, where it is no number, or where weights began alike, nothing is
    said: that a unit rests is quite usual.
    """
    if not record.is_stuck or not all(map(math.isfinite, record.losses)):
        return None
    if any(leaf.num_alike for leaf in record.leaves.values()):
        return None
    for activation in record.activations:
        if activation.num_rounds >= FEWEST and activation.num_dead >= SHARE * activation.num_units:
            whose = "is 0" if activation.kind == "ReLU" else "is at the end of its range"
            return Seen(
                PREDICT,
                activation.place,
                f"The loss does not fall, and the {activation.kind} of {activation.num_dead:,} of "
                f"{activation.num_units:,} units {whose} for every row seen: next to no gradient goes through them.",
                "Try a tenth of the learning rate, inputs of mean 0 and deviation 1, and torch's own initial weights; "
                "LeakyReLU and GELU keep a slope.",
            )
    return None
