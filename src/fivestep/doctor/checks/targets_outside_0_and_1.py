"""A binary loss gets targets that are no probabilities."""

from .._events import MEASURE, Measured, Seen
from .._record import Record

BINARY = ("binary_cross_entropy", "binary_cross_entropy_with_logits")
WITHIN = 1e-6
"""Rounding of float32 next to 1 is 1.2e-7, and mixtures of labels add up a few of them."""


def targets_outside_0_and_1(record: Record) -> Seen | None:
    """A binary cross-entropy got a target below 0 or above 1, as labels -1 and 1, or numbers of classes, have.

    -y log p - (1 - y) log(1 - p) then falls without end as p goes to 0 or 1: the loss becomes negative, the weights
    grow, and nothing complains.
    """
    for event in record.of(Measured):
        target = event.target
        if event.name in BINARY and target is not None and (target.low < -WITHIN or target.high > 1 + WITHIN):
            return Seen(
                MEASURE,
                event.place,
                f"Targets of {event.name} lie between {target.low:.4g} and {target.high:.4g}; it expects 0 and 1, or "
                "what lies between, and falls without end for others.",
                "Turn labels of -1 and 1 into (y + 1) / 2; for more than two classes take F.cross_entropy.",
            )
    return None
