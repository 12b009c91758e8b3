"""A layer gets numbers of another type than its weights."""

from .._events import PREDICT, Seen
from .._record import Record


def types_do_not_fit(record: Record) -> Seen | None:
    """The loop ended in a layer whose weights have another type than what came.

    Tables of NumPy and pandas are float64, and torch's layers float32; pictures are uint8; an embedding takes whole
    numbers alone.
    """
    failed = record.failed
    left = None if failed is None else failed.left
    if failed is None or left is None or "type" not in failed.message or not left.dtypes or not left.weight_dtype:
        return None
    came, is_lookup = left.dtypes[0], "'indices'" in failed.message
    if came == left.weight_dtype and not is_lookup:
        return None
    wants = "whole numbers" if is_lookup else left.weight_dtype
    return Seen(
        PREDICT,
        failed.place,
        f"The layer {left.layer} takes {wants}, and got {came}, in a tensor of shape {left.shapes[0]}.",
        f"Write x.{'long()' if is_lookup else f'to(torch.{left.weight_dtype})'} where the rows are made.",
        is_of_script=True,
    )
