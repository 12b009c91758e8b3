"""The encoder's formula for columns of plain numbers, compiled, without Python's global lock.

One pass over the columns instead of NumPy's several, and a thread can encode while another one trains.
"""

from typing import Any

import numpy as np
from numba import carray, njit, types
from numba.extending import intrinsic

TILE, TOGETHER = 2048, 8
"""Rows and columns that are encoded at a time: they stay in the cache, and a row gets eight neighbors at once
(`benchmarks/streaming.py reader`)."""


@intrinsic  # type: ignore[untyped-decorator]
def _pointer(_context: Any, address: Any) -> Any:
    """The address of a number as a pointer."""

    def generated(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], context.get_value_type(types.voidptr))

    return types.voidptr(address), generated


@njit(nogil=True, error_model="numpy")  # half a second in each process that encodes many rows
def scale_into(values, center, scale, clip, farthest, out):  # type: ignore[no-untyped-def]  # numba finds the types
    """Writes x of some numbers (N,) to `out`, of N places or more; returns how many are infinite.

    `clip` and `farthest` are infinite where nothing is clipped. Operation for operation that of `Encoder`, so the bits
    are the same.
    """
    num_infinite = 0
    for i in range(len(values)):
        value = np.float64(values[i])
        z = (value - center) * scale
        num_infinite += 1 if abs(value) == np.inf else 0
        z = 0.0 if value != value else z  # noqa: PLR0124  (only nan, a missing number, is not itself)
        z = max(z, -farthest)
        z = min(z, farthest)
        q = z / clip
        out[i] = z / np.sqrt(1.0 + q * q)
    return num_infinite


@njit(nogil=True, error_model="numpy")
def write_neighbors(memory, rows, start, out):  # type: ignore[no-untyped-def]
    """Writes rows `rows - start` (M,) of the `TOGETHER` columns in `memory` to `out`, in which they are neighbors.

    That they are, and how many, is known to the compiler, which spares a fourth of the time.
    """
    for i in range(len(rows)):
        row, place = np.uint64(rows[i] - start), out[i]  # unsigned: no handling of negative indices
        for j in range(TOGETHER):
            place[j] = memory[j, row]


@njit(nogil=True, error_model="numpy")
def scale_rows(like, columns, scales, limits, rows, out):  # type: ignore[no-untyped-def]
    """Writes x of some rows (M,), in ascending order, of K columns that are as long as `like` and of its type.

    `columns` (K, 2) says at which address each begins and to which column of `out` (M, ...) it goes, in ascending order
    of these; `scales` (K, 2) are its center and its scale, `limits` are `clip` and `farthest`. Returns how many numbers
    of each column are infinite, in all of its rows.
    """
    memory = np.empty((TOGETHER, TILE), out.dtype)
    num_infinite = np.zeros(len(columns), np.int64)
    done = 0
    for start in range(0, len(like), TILE):
        stop, first = min(start + TILE, len(like)), done
        while done < len(rows) and rows[done] < stop:
            done += 1
        for k in range(0, len(columns), TOGETHER):
            some = columns[k : k + TOGETHER]
            for j in range(len(some)):
                values = carray(_pointer(some[j, 0]), len(like), like.dtype)[start:stop]
                center, scale = scales[k + j]
                num_infinite[k + j] += scale_into(values, center, scale, limits[0], limits[1], memory[j])
            if len(some) == TOGETHER and some[-1, 1] - some[0, 1] == TOGETHER - 1:
                write_neighbors(memory, rows[first:done], start, out[first:done, some[0, 1] : some[-1, 1] + 1])
                continue
            for i in range(first, done):
                row = np.uint64(rows[i] - start)
                for j in range(len(some)):
                    out[i, some[j, 1]] = memory[j, row]
    return num_infinite


@njit(nogil=True, error_model="numpy")
def find_numbers(arrays, schemas, num_rows, found):  # type: ignore[no-untyped-def]
    """Writes where each column that `_addresses.py` looks for lies, and the letter of its type, to `found` (K, 2).

    `arrays` and `schemas` are the addresses of K pointers to an ArrowArray and an ArrowSchema, whose fields are all of
    eight bytes: length, missing, offset, number of buffers, number of children, buffers; format.
    """
    for k in range(len(found)):
        array = carray(_pointer(carray(_pointer(arrays), len(found), np.int64)[k]), 6, np.int64)
        schema = carray(_pointer(carray(_pointer(schemas), len(found), np.int64)[k]), 1, np.int64)
        letters = carray(_pointer(schema[0]), 2, np.uint8)  # a text of one letter, and the 0 that ends it
        size = 8 if letters[0] == ord("g") else 4
        is_number = letters[1] == 0 and (letters[0] == ord("g") or letters[0] == ord("f"))
        if is_number and array[0] == num_rows and array[1] == 0:
            found[k, 0] = carray(_pointer(array[5]), 2, np.int64)[1] + size * array[2]
            found[k, 1] = letters[0]
