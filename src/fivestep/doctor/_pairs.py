"""The values on which backward was called, paired with the result of the loss function before it."""

from collections.abc import Iterator
from typing import NamedTuple, final

from ._events import Differentiated, Measured
from ._record import Record

ROUNDING = 1e-3
"""The relative distance of a pair from the line, and the least relative difference of values: float32 has 1e-7."""


@final
class Line(NamedTuple):
    """backward got `offset + slope * value`."""

    slope: float
    offset: float


def pairs_of(record: Record) -> Iterator[tuple[Measured, Differentiated]]:
    """Each backward pass with the loss that was measured last before it."""
    last = None
    for event in record.events:
        if isinstance(event, Measured) and event.has_grad:
            last = event
        elif isinstance(event, Differentiated) and last is not None:
            yield last, event


def line_of(pairs: list[tuple[Measured, Differentiated]]) -> Line | None:
    """The line on which all pairs lie; None if there is none, or it cannot be determined.

    For nearly equal values only the lines with slope 1 or -1 through 0 are recognized.
    """
    points = sorted((one.value, last.loss) for one, last in pairs)
    (low, first), (high, end) = points[0], points[-1]
    if high - low > ROUNDING * abs(high):
        slope = (end - first) / (high - low)
        offset = first - slope * low
    else:
        slope, offset = (-1.0 if first < 0 else 1.0), 0.0
    spread = max(abs(slope) * max(high - low, ROUNDING * abs(high)), 1e-30)
    if not all(abs(loss - offset - slope * value) <= ROUNDING * spread for value, loss in points):
        return None
    is_through_0 = abs(offset) <= ROUNDING * abs(first)
    return Line(slope, 0.0 if is_through_0 else offset)
