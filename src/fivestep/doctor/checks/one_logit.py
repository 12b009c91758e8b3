"""cross_entropy gets a single class."""

from .._events import MEASURE, Measured, Seen
from .._record import Record


def one_logit(record: Record) -> Seen | None:
    """`cross_entropy` got one output for each row: the softmax of one number is 1, whatever it is.

    The loss is 0 from the beginning, and so is every gradient. Meant was a binary cross-entropy, or one output for each
    class.
    """
    losses = [event for event in record.of(Measured) if event.name == "cross_entropy" and len(event.input.shape) > 1]
    single = [event for event in losses if event.input.shape[1] == 1]
    if not single or len(single) < len(losses):
        return None
    return Seen(
        MEASURE,
        single[0].place,
        f"cross_entropy gets one output for each row, {single[0].input.shape}: the softmax of one number is 1, so "
        "loss and gradients are 0.",
        "Take F.binary_cross_entropy_with_logits with targets of 0.0 and 1.0, or one output for each class.",
    )
