"""A layer gets rows of another size than it was made for."""

import re

from .._events import PREDICT, Seen
from .._record import Record

PRODUCT = re.compile(r"shapes cannot be multiplied \((\d+)x(\d+) and (\d+)x(\d+)\)")


def shapes_do_not_fit(record: Record) -> Seen | None:
    """The loop ended because a linear layer could not be multiplied with what came.

    It says which layer of the model it was and what went into it: torch's own message names two matrices, one of them
    transposed, and no layer. After convolutions it is most often the flattening that gives another number of columns
    than was thought.
    """
    failed = record.failed
    sizes = None if failed is None else PRODUCT.search(failed.message)
    if failed is None or sizes is None:
        return None
    _, came, expected, _ = map(int, sizes.groups())
    where = f"The layer {failed.layer} takes" if failed.layer else "A matrix takes"
    shapes = "".join(f", in a tensor of shape {shape}" for shape in failed.shapes[:1])
    return Seen(
        PREDICT,
        failed.place,
        f"{where} rows of {expected:,} numbers, and got rows of {came:,}{shapes}.",
        f"Make it for {came:,}, or look at what comes before it: flatten(1) keeps rows apart, nn.LazyLinear counts.",
    )
