"""Probabilities go into binary_cross_entropy_with_logits."""

from .._events import MEASURE, Measured, Seen
from .._record import Record


def sigmoid_twice(record: Record) -> Seen | None:
    """The input of `binary_cross_entropy_with_logits` comes from a sigmoid; the loss takes the sigmoid itself.

    Of a number in (0, 1) the sigmoid lies between 0.5 and 0.73: no row can be answered with a clear no, the loss stays
    above 0.3133 for targets of 1 and above 0.6931 for targets of 0.
    """
    losses = [event for event in record.of(Measured) if event.name == "binary_cross_entropy_with_logits"]
    twice = [event for event in losses if event.source == "Sigmoid"]
    if not twice or len(twice) < len(losses):
        return None
    return Seen(
        MEASURE,
        twice[0].source_place or twice[0].place,
        "The outputs have been through a sigmoid, and binary_cross_entropy_with_logits takes the sigmoid itself: of a "
        "number in (0, 1) it lies between 0.5 and 0.73, so no target of 0 gets a loss below 0.6931.",
        "Leave out the sigmoid in the model, and take it where probabilities are shown.",
    )
