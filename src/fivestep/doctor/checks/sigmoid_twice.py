"""Probabilities go through a sigmoid once more."""

from .._events import MEASURE, Measured, Seen
from .._record import Record

ON_LOGITS = "binary_cross_entropy_with_logits"


def sigmoid_twice(record: Record) -> Seen | None:
    """The input of `binary_cross_entropy_with_logits`, which takes the sigmoid itself, comes from a sigmoid.

    Or that of `binary_cross_entropy` comes from two: one at the end of the model, and one more in the loop.
    Of a number in (0, 1) the sigmoid lies between 0.5 and 0.73: no row can be answered with a clear no, the loss stays
    above 0.3133 for targets of 1 and above 0.6931 for targets of 0.
    """
    names = (ON_LOGITS, "binary_cross_entropy")
    losses = [event for event in record.of(Measured) if event.has_grad and event.name in names]
    twice = [one for one in losses if one.source == "Sigmoid" and (one.name == ON_LOGITS or one.before == "Sigmoid")]
    if not twice or len(twice) < len(losses):
        return None
    return Seen(
        MEASURE,
        twice[0].source_place or twice[0].place,
        (
            "The outputs have been through a sigmoid, and binary_cross_entropy_with_logits takes the sigmoid itself: "
            if twice[0].name == ON_LOGITS
            else "The outputs have been through two sigmoids: "
        )
        + "of a number in (0, 1) it lies between 0.5 and 0.73, so no target of 0 gets a loss below 0.6931.",
        "Leave out the sigmoid in the model, and take it where probabilities are shown.",
    )
