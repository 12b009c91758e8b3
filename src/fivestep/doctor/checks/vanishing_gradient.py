"""The gradient is lost, or grows beyond all bounds, between the last layer and the first."""

import statistics

from ...diagnosis._finding import figure
from .._events import GRADIENT, Seen, Updated
from .._record import FEWEST, Record

FACTOR = 1000.0
"""How far apart the gradients of the first and the last matrix are; `fivestep diagnose` draws the line there too."""


def vanishing_gradient(record: Record) -> Seen | None:
    """The loss does not fall, and the gradients of a model's first and last matrix are a factor of 1,000 apart.

    Each layer multiplies what comes back by its matrix and by the slope of its activation: many sigmoids, or weights
    that are too small or too large, leave nothing for the first layers, or far too much. While the loss falls, nothing
    is said.
    """
    updates = list(record.of(Updated))
    if len(updates) < FEWEST or not record.is_stuck:
        return None
    for model in record.models.values():
        sizes = {
            leaf: statistics.median(one.gradient or 0.0 for event in updates for one in event.moved if one.leaf == leaf)
            for leaf in sorted(model.leaves)
            if len(record.leaves[leaf].shape) > 1 and any(one.leaf == leaf and one.gradient for one in updates[0].moved)
        }
        if len(sizes) < 2:
            continue
        first, *_, last = sizes
        if sizes[last] > FACTOR * sizes[first] or sizes[first] > FACTOR * sizes[last]:
            return Seen(
                GRADIENT,
                updates[0].place,
                f"The loss does not fall, and the middle gradient of {record.leaves[first].words} is "
                f"{figure(sizes[first])}, that of {record.leaves[last].words} {figure(sizes[last])}.",
                "Try ReLU in place of sigmoids, skips around layers, normalization before each activation, and "
                "initial weights that follow from the width.",
            )
    return None
