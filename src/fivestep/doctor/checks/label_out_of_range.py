"""A class label is not one of the model's classes."""

import re

from .._events import MEASURE, Seen
from .._record import Record

MESSAGE = re.compile(r"Target (-?\d+) is out of bounds")


def label_out_of_range(record: Record) -> Seen | None:
    """The loop ended because a label is no number of a class: classes are counted from 0.

    Labels from 1 to C, or a label that stands for no value, such as -1, end in torch's message about a target that is
    out of bounds; on a GPU only in an assertion of a kernel.
    """
    failed = record.failed
    found = None if failed is None else MESSAGE.search(failed.message)
    if failed is None or found is None:
        return None
    return Seen(
        MEASURE,
        failed.place,
        f"There is a label {found[1]}, and the loss got no output for it: classes are counted from 0 to the number of "
        "outputs less one.",
        "Count labels from 0 (y - 1), give the model an output for each class, or skip rows with ignore_index.",
        is_of_script=True,
    )
