"""The IDX format."""

import struct

import numpy as np
import pytest

from fivestep.check import InputError
from fivestep.datasets._fetched.idx import read_idx


@pytest.mark.parametrize("shape", [(5,), (4, 3), (2, 3, 4)])
def test_idx_gives_the_array_that_was_written(shape: tuple[int, ...]):
    array = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    head = struct.pack(f">4B{len(shape)}I", 0, 0, 8, len(shape), *shape)
    np.testing.assert_array_equal(read_idx(bytearray(head + array.tobytes()), "file"), array)


def test_idx_array_can_be_written_to():
    array = read_idx(bytearray(struct.pack(">4BI", 0, 0, 8, 1, 2) + b"ab"), "file")
    array[0] = 7
    assert array.tolist() == [7, ord("b")]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\0\x08",
        b"<html>an error page</html>",
        struct.pack(">4BI", 0, 0, 13, 1, 1) + b"abcd",  # floating-point elements
        struct.pack(">4BI", 1, 0, 8, 1, 2) + b"ab",
        struct.pack(">4B", 0, 0, 8, 0) + b"a",
        struct.pack(">4BI", 0, 0, 8, 3, 1),  # three axes, one size
    ],
)
def test_idx_refuses_another_format(content: bytes):
    with pytest.raises(InputError, match=r"^labels must be an IDX file of bytes, got one that begins with b"):
        read_idx(bytearray(content), "labels")


@pytest.mark.parametrize("elements", [b"", b"abcde", b"abcdefg"])
def test_idx_refuses_another_number_of_elements(elements: bytes):
    content = bytearray(struct.pack(">4B2I", 0, 0, 8, 2, 2, 3) + elements)
    with pytest.raises(InputError, match=rf"labels must hold 6 elements for its shape \(2, 3\), got {len(elements)}"):
        read_idx(content, "labels")
