"""Matrix products in panels: strips of a matrix that are two registers wide, one row after another.

A block of eight rows by one panel stays in sixteen registers while it grows. In each round two registers of the panel
are loaded and eight numbers spread over lanes, for sixteen products, so the processor's two multipliers hardly wait
(`tests/engines/fused/test_panels.py` holds it to torch's products, `benchmarks/larger.py` times whole steps).
"""

from collections.abc import Sequence
from typing import Any

from numba import types
from numba.extending import intrinsic

from .lanes import (
    CONTRACT,
    EIGHT,
    address,
    apart,
    every,
    get,
    inline,
    lanes_of,
    load,
    place_of,
    put,
    store,
    widened,
    width,
)
from .tiles import load_at, loop, unpacked
from .turning import turn_part

TWO = 2
"""Registers of a panel."""


@inline
def panel(array: Any) -> Any:
    """The columns of a panel."""
    return TWO * width(array)


def _growing(*, along: bool) -> Any:
    """Sums of eight rows by one panel, with `count` more products each.

    The rows are those of a panel and the products go `along` them, a[at + r panel + k]; or the rows are eight of its
    columns and the products go across, a[at + k panel + r]. On the other side stands row k of a panel of b.
    """

    @intrinsic
    def grow(typing: Any, sums: Any, left: Any, right: Any, count: Any) -> Any:
        a, b = left[0], right[0]
        lanes = lanes_of(b.dtype)
        apart_in_a = TWO * lanes.count

        def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            before, of_left, of_right, stop = args
            (of_a, first), (of_b, start) = unpacked(builder, of_left), unpacked(builder, of_right)

            def number(k: Any, r: int) -> Any:
                step, further = (1, r * apart_in_a) if along else (apart_in_a, r)
                place = builder.add(builder.add(first, builder.mul(k, k.type(step))), k.type(further))
                one = builder.load(address(context, builder, a, of_a, place))
                return widened(context, builder, one, a.dtype, lanes)

            def body(k: Any, now: Sequence[Any]) -> list[Any]:
                row = builder.add(start, builder.mul(k, k.type(apart_in_a)))
                places = [builder.add(row, row.type(v * lanes.count)) for v in range(TWO)]
                vectors = [load_at(context, builder, b, of_b, place) for place in places]
                products = [builder.fmul(number(k, r), v, flags=CONTRACT) for r in range(EIGHT) for v in vectors]
                return [builder.fadd(*both, flags=CONTRACT) for both in zip(now, products, strict=True)]

            grown = loop(builder, stop, 1, unpacked(builder, before), body)
            return context.make_tuple(builder, sig.return_type, grown)

        return types.UniTuple(lanes, TWO * EIGHT)(sums, left, right, count), emit

    return grow


_along, _across = _growing(along=True), _growing(along=False)


@intrinsic
def _nothing(typing: Any, array: Any) -> Any:
    """Sixteen registers of zeros."""
    lanes = lanes_of(array.dtype)

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        zero = context.get_constant_null(lanes)
        return context.make_tuple(builder, sig.return_type, [zero] * (TWO * EIGHT))

    return types.UniTuple(lanes, TWO * EIGHT)(array), emit


@intrinsic
def _store_all(typing: Any, tile: Any, sums: Any) -> Any:
    """The sixteen registers, one after another."""
    lanes = sums.dtype

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        for k, value in enumerate(unpacked(builder, args[1])):
            at = context.get_constant(types.intp, k * lanes.count)
            at_place = types.void(sig.args[0], types.intp)
            place = place_of(context, builder, at_place, [args[0], at], value.type)
            builder.store(value, place, align=tile.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(tile, sums), emit


@apart
def rows_times_panel(tile: Any, rows: Any, right: Any, count: int) -> None:
    """Into the tile (8, panel): eight rows of a times a panel (count, panel) of b.

    `rows` are (a, where the first one begins, how far its panels are apart), `right` is (b, where its panel begins).
    """
    (a, at, step), (b, here), columns = rows, right, panel(tile)
    sums = _nothing(tile)
    for k in range(0, count, columns):
        sums = _along(sums, (a, at + k // columns * step), (b, here + k * columns), min(columns, count - k))
    _store_all(tile, sums)


@apart
def columns_times_panel(tile: Any, left: Any, right: Any, count: int) -> None:
    """Into the tile (8, panel): sum_n a[n, r] b[n], of eight columns of a panel of a, and a panel of b."""
    _store_all(tile, _across(_nothing(tile), left, right, count))


@apart
def add_tile(tile: Any, scale: float, out: Any, shape: Any, later: bool) -> None:
    """The first rows and columns of a tile, times `scale`, into (a matrix, where, how far its rows are apart).

    What is there is added to if it is `later`, or forgotten.
    """
    (matrix, at, step), (rows, columns) = out, shape
    factor, whole = tile.dtype.type(scale), columns - columns % width(tile)
    for r in range(rows):
        here, there = r * panel(tile), at + r * step
        for c in range(0, whole, width(tile)):
            before = load(matrix, there + c) if later else every(tile, 0.0)
            store(matrix, there + c, before + factor * load(tile, here + c))
        for c in range(whole, columns):
            number = factor * get(tile, here + c)
            put(matrix, there + c, get(matrix, there + c) + number if later else number)


@apart
def turn_into_panel(left: Any, shape: Any, out: Any) -> None:
    """A panel (columns, panel) from some rows of a matrix (rows, columns), at most as many as it is wide.

    `left` is (the matrix, where they begin, how far they are apart), `out` is (where to, from where on).
    """
    turn_part(left, shape, (out[0], out[1], panel(left[0])))


@apart
def copy_into_panel(left: Any, shape: Any, out: Any) -> None:
    """A panel (rows, panel) from some columns of a matrix (rows, columns), at most as many as it is wide."""
    (w, at, step), (rows, columns), (panels, there) = left, shape, out
    whole = columns - columns % width(w)
    for r in range(rows):
        for c in range(0, whole, width(w)):
            store(panels, there + r * panel(w) + c, load(w, at + r * step + c))
        for c in range(whole, columns):
            put(panels, there + r * panel(w) + c, get(w, at + r * step + c))
