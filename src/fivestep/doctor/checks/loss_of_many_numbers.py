"""Backward is called on more than one number."""

from .._events import GRADIENT, Seen
from .._record import Record

MESSAGE = "grad can be implicitly created only for scalar outputs"


def loss_of_many_numbers(record: Record) -> Seen | None:
    """The loop ended because backward was called on a tensor of several numbers.

    A loss is one number: the mean over the rows. With `reduction="none"`, or written by hand without a mean, there is
    one for each row.
    """
    failed = record.failed
    if failed is None or MESSAGE not in failed.message:
        return None
    return Seen(
        GRADIENT,
        failed.place,
        "Backward was called on a tensor of several numbers; a gradient is that of one.",
        "Take the mean first: loss.mean().backward(); look for reduction='none'.",
        is_of_script=True,
    )
