"""Batch norm gets one row."""

import re

from .._events import PREDICT, Seen
from .._record import Record, update_count

MESSAGE = re.compile(r"Expected more than 1 value per channel when training, got input size .*?\[([\d, ]+)\]")


def batch_of_one_row(record: Record) -> Seen | None:
    """The loop ended because batch norm was to measure the deviation of a single row.

    Most often it is the last batch of an epoch, where the number of rows leaves one over; or a single row is answered
    while the model is in training mode.
    """
    failed = record.failed
    found = None if failed is None else MESSAGE.search(failed.message)
    if failed is None or found is None:
        return None
    which = "Batch norm" if failed.left is None else f"The layer {failed.left.layer}"
    when = f" after {update_count(record.num_updates)}" if record.num_updates else ""
    return Seen(
        PREDICT,
        failed.place,
        f"{which} got one row, of shape ({found[1]}), in training mode{when}: one number has no deviation.",
        "DataLoader(..., drop_last=True) leaves out a last batch of one; call model.eval() to answer single rows.",
        is_of_script=True,
    )
