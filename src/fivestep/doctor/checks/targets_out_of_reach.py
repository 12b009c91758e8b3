"""Targets that the model cannot answer with, whatever its weights."""

import math

from ...diagnosis._finding import figure
from .._events import MEASURE, Measured, Seen
from .._record import Record
from .targets_not_scaled import POWERS

REACH = {
    "Sigmoid": ("a sigmoid", 0.0, 1.0),
    "Tanh": ("a tanh", -1.0, 1.0),
    "Softmax": ("a softmax", 0.0, 1.0),
    "Relu": ("a ReLU", 0.0, math.inf),
}
"""What outputs come from, and between which numbers they lie then."""

MARGIN = 0.1
"""How far beyond it targets must lie, as a share of their own range: rounding, and noise."""

FEWEST = 5
"""Batches: all of them, as a single odd target may be in one."""


def targets_out_of_reach(record: Record) -> Seen | None:
    """In all batches, a loss of differences got outputs of a sigmoid, tanh or ReLU, and targets beyond its range.

    The last layer's activation says what can be answered: 0 to 1 after a sigmoid, nothing negative after a ReLU. Prices
    are beyond the first, standardized targets beyond the second, and pixels from -1 to 1 are answered by a tanh.
    """
    losses = [one for one in record.of(Measured) if one.name in POWERS and one.has_grad and one.target is not None]
    if len(losses) < FEWEST or len({one.source for one in losses}) != 1 or losses[0].source not in REACH:
        return None
    word, low, high = REACH[losses[0].source]
    if not all(_is_beyond(one, low, high) for one in losses):
        return None
    first = losses[0]
    assert first.target is not None
    between = "are not negative" if math.isinf(high) else f"lie between {low:g} and {high:g}"
    return Seen(
        MEASURE,
        first.source_place or first.place,
        f"The outputs come from {word} and {between}; the targets lie between {figure(first.target.low)} and "
        f"{figure(first.target.high)}: a part of them cannot be reached.",
        "End the model with a linear layer, or scale the targets to that range.",
    )


def _is_beyond(event: Measured, low: float, high: float) -> bool:
    assert event.target is not None
    margin = MARGIN * (event.target.high - event.target.low)
    return event.target.low < low - margin or event.target.high > high + max(margin, MARGIN)
