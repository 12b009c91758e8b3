"""Layers follow on each other with nothing between them that bends."""

from .._events import PREDICT, Measured, Seen
from .._record import Record


def linear_throughout(record: Record) -> Seen | None:
    """All that lies between the rows and what goes into the loss are products with matrices, two in a row or more.

    W2 (W1 x + b1) + b2 = (W2 W1) x + (W2 b1 + b2): together they compute what one layer does, and no curve. Dropout and
    batch norm bend nothing, once trained. A middle that is narrower than both ends, as in an autoencoder without
    activations or an adapter of low rank, is not reported.
    """
    losses = [event for event in record.of(Measured) if event.has_grad]
    first = next((event for event in losses if event.linear), None)
    if first is None or not first.linear or any(event.linear == () for event in losses if event.place == first.place):
        return None
    matrices, num_outputs = first.linear, first.input.shape[-1] if len(first.input.shape) > 1 else 1
    if min(min(shape) for shape in matrices) < min(num_outputs, max(shape[1] for shape in matrices)):
        return None
    return Seen(
        PREDICT,
        first.source_place or first.place,
        f"The {len(matrices)} layers of weights have nothing between them that bends: together they compute what one "
        "linear layer does.",
        "Put an activation between them, such as nn.ReLU() after each layer but the last.",
    )
