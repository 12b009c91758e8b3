"""Outputs are dropped."""

from .._events import PREDICT, Measured, Seen
from .._record import HABIT, Record


def dropout_on_outputs(record: Record) -> Seen | None:
    """What goes into a loss comes straight from a dropout, in all calls that train.

    A part of the outputs is 0 whatever the row, and the others are made larger: the loss measures the draw as much as
    the model. Dropout belongs between layers.
    """
    losses = [event for event in record.of(Measured) if event.has_grad]
    if len(losses) < HABIT or {event.source for event in losses} != {"dropout"}:
        return None
    return Seen(
        PREDICT,
        losses[0].source_place or losses[0].place,
        "Dropout comes after the last layer: a part of the outputs is 0 whatever the row, the others are larger.",
        "Put it before the last layer, or leave it out.",
    )
