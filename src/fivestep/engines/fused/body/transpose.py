"""The transpose of a matrix, a square of lanes at a time, in registers."""

from typing import Any

from numba import types
from numba.extending import intrinsic

from .lanes import chosen, get, inline, lanes_of, place_of, put, width


@intrinsic
def transpose_square(typing: Any, a: Any, here: Any, out: Any, there: Any) -> Any:
    """One square, out[there + i out_step + r] = a[here + r step + i], for r and i up to the number of lanes.

    `here` and `there` are pairs of a place and a step. Rows at a distance of 1, 2, 4, ... exchange blocks of 1, 2, 4,
    ... numbers, so sixteen rows take four rounds.
    """
    lanes = lanes_of(a.dtype)

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        vector, align = context.get_value_type(lanes), a.dtype.bitwidth // 8

        def row(which: int, k: int) -> Any:
            first, step = (builder.extract_value(args[which + 1], place) for place in (0, 1))
            place = builder.add(first, builder.mul(step, step.type(k)))
            return place_of(context, builder, types.void(sig.args[which]), [args[which], place], vector)

        rows = [builder.load(row(0, k), align=align) for k in range(lanes.count)]
        apart = 1
        while apart < lanes.count:
            for r in (r for r in range(lanes.count) if not r & apart):
                low = [i if not i & apart else lanes.count + i - apart for i in range(lanes.count)]
                high = [i + apart if not i & apart else lanes.count + i for i in range(lanes.count)]
                both = rows[r], rows[r + apart]
                rows[r] = chosen(builder, both[0], low, both[1])
                rows[r + apart] = chosen(builder, both[0], high, both[1])
            apart *= 2
        for k, value in enumerate(rows):
            builder.store(value, row(2, k), align=align)
        return context.get_dummy_value()

    return types.void(a, here, out, there), emit


@inline
def transpose(a: Any, out: Any) -> None:
    """The whole matrix, out (I, N) = a^T for a (N, I).

    A few rows of the result are written from end to end: if N is a power of two, the beginnings of all rows compete for
    the same few places in the cache, and writing across them takes twice as long.
    """
    transpose_part((a, 0, a.shape[1]), a.shape, (out, 0, a.shape[0]))


@inline
def transpose_part(left: Any, shape: tuple[int, int], transposed: Any) -> None:
    """Some rows of a matrix (rows, columns); both sides are an array, a place, and the distance of rows."""
    (a, here, step), (num_rows, num_in), (out, there, apart) = left, shape, transposed
    rows, columns = num_rows - num_rows % width(a), num_in - num_in % width(a)
    for i in range(0, columns, width(a)):
        for r in range(0, rows, width(a)):
            transpose_square(a, (here + r * step + i, step), out, (there + i * apart + r, apart))
    for r in range(num_rows):
        for i in range(columns if r < rows else 0, num_in):
            put(out, there + i * apart + r, get(a, here + r * step + i))
