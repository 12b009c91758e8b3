"""IDX, the file format of MNIST and its kin."""

import math

import numpy as np
import numpy.typing as npt

from ...check import InputError

UNSIGNED_BYTES = 8
"""The code of the element type, the one that images and labels use."""


def read_idx(content: bytearray, name: str) -> npt.NDArray[np.uint8]:
    """The array of bytes in the IDX file `name`, which shares the memory of `content`.

    Layout: two zero bytes, the element type, the number of axes d, d sizes as big-endian 32-bit integers, then the
    elements in C order. Raises an `InputError` if the content is anything else.
    """
    num_axes = content[3] if len(content) >= 4 and content[:3] == bytes((0, 0, UNSIGNED_BYTES)) else 0
    start = 4 + 4 * num_axes
    if num_axes == 0 or len(content) < start:
        raise InputError(
            f"{name} must be an IDX file of bytes, got one that begins with {bytes(content[:4])!r}; fetch it again."
        )
    shape = tuple(int(size) for size in np.frombuffer(content, ">u4", num_axes, offset=4))
    if len(content) - start != math.prod(shape):
        raise InputError(
            f"{name} must hold {math.prod(shape)} elements for its shape {shape}, got {len(content) - start}; "
            f"fetch it again."
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
