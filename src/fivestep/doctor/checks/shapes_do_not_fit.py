"""A layer gets rows or pictures of another size than it was made for."""

import re

from .._events import PREDICT, Seen
from .._record import Record

PRODUCT = re.compile(r"shapes cannot be multiplied \((\d+)x(\d+) and (\d+)x(\d+)\)")
CHANNELS = re.compile(r"to have (\d+) channels, but got (\d+) channels instead")


def shapes_do_not_fit(record: Record) -> Seen | None:
    """The loop ended because a linear layer or a convolution could not be multiplied with what came.

    It says which layer of the model it was and what went into it: torch's own message names two matrices, one of them
    transposed, and no layer. After convolutions it is most often the flattening that gives another number of columns
    than was thought; before them, pictures whose channels stand last.
    """
    failed = record.failed
    if failed is None:
        return None
    layer, shapes = (failed.left.layer, failed.left.shapes) if failed.left is not None else ("", ())
    sizes, channels = PRODUCT.search(failed.message), CHANNELS.search(failed.message)
    which = f"The layer {layer} takes" if layer else "A matrix takes"
    shape = "".join(f", in a tensor of shape {one}" for one in shapes[:1])
    if sizes is not None:
        came, expected = int(sizes[2]), int(sizes[3])
        seen = f"{which} rows of {expected:,} numbers, and got rows of {came:,}{shape}."
        advice = (
            f"Make it for {came:,}, or look at what comes before it: flatten(1) keeps rows apart, nn.LazyLinear counts."
        )
    elif channels is not None:
        expected, came = int(channels[1]), int(channels[2])
        seen = f"{which} {expected:,} channels, and got {came:,}{shape}: it wants rows, channels, height, width."
        stands_last = bool(shapes) and len(shapes[0]) > 2 and shapes[0][-1] == expected
        advice = (
            "The channels stand last here: x.movedim(-1, 1), which view and reshape do not do."
            if stands_last
            else f"Make it for {came:,} channels; gray pictures without any need x.unsqueeze(1)."
        )
    else:
        return None
    return Seen(
        PREDICT,
        failed.place,
        seen,
        advice,
        is_of_script=True,
    )
