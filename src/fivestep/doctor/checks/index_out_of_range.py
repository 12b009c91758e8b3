"""An embedding is asked for a row that it has not."""

from .._events import PREDICT, Seen
from .._record import Record

MESSAGE = "index out of range in self"


def index_out_of_range(record: Record) -> Seen | None:
    """The loop ended because a number stands for no row of an embedding: rows are counted from 0.

    An embedding of n rows takes 0 to n - 1. Words counted from 1, a place for padding, or words that came only after
    the vocabulary was made, need more rows. torch's message names no layer.
    """
    failed = record.failed
    if failed is None or MESSAGE not in failed.message or failed.left is None or "Embedding" not in failed.left.layer:
        return None
    return Seen(
        PREDICT,
        failed.place,
        f"The layer {failed.left.layer} was asked for a row that it has not: its first number is that of its rows, and "
        "they are counted from 0.",
        "Make it larger, nn.Embedding(int(x.max()) + 1, ...) over all data, or give one number to all unknown words.",
        is_of_script=True,
    )
