"""Each update is far too large, or far too small, for the weights it moves."""

import math
import statistics

from ...diagnosis._finding import figure
from .._events import UPDATE, Seen, Updated
from .._record import FEWEST, Record

TOO_LARGE, TOO_SMALL = 0.3, 1e-6
"""Of |update| / |weights|; about 0.001 is usual."""

SHRUNK = 0.5
"""Of the first gradient: where the last one is smaller, small updates are those near a minimum, whatever the rate."""


def size_of_updates(record: Record) -> Seen | None:
    """The loss does not fall, and the middle one of |update| / |weights| over matrices and updates is out of range.

    About a thousandth is usual: a third means that every step forgets what the weights were, a millionth that a million
    steps are needed. While the loss falls, or where it is no number, nothing is reported, nor where the rate grows by a
    factor of 100, as a search for one begins far too small. Small updates are none of a wrong rate where the gradient
    shrinks: the loop began near a minimum, and comes nearer. A middle one of 0 was rounded to it if others
    are not 0 and the rate has not fallen.
    """
    updates, ratios = list(record.of(Updated)), record.update_ratios
    if len(updates) < FEWEST or not ratios or not record.is_stuck:
        return None
    middle = statistics.median(ratios)
    if TOO_SMALL <= middle <= TOO_LARGE or not all(map(math.isfinite, record.losses)):
        return None
    rate, first = max(updates[-1].rates, default=0.0), max(updates[0].rates, default=0.0)
    if record.is_search or (not middle and (rate < first or not any(ratios))):
        return None
    if middle < TOO_SMALL and _length(updates[-1]) < SHRUNK * _length(updates[0]):
        return None
    words, advice = ("far more", "smaller") if middle > TOO_LARGE else ("far less", "larger")
    return Seen(
        UPDATE,
        updates[0].place,
        f"The loss does not fall, and the middle update moves a matrix by {figure(middle)} of its size, {words} than "
        f"the usual thousandth, with the learning rate {figure(rate)}.",
        f"Try learning rates that are {advice}, by factors of ten.",
    )


def _length(update: Updated) -> float:
    """The norm of the whole gradient."""
    return math.hypot(*(one.gradient or 0.0 for one in update.moved))
