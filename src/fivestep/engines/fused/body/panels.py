"""Matrix products in panels: strips of a matrix that are a few registers wide, one row after another.

A block of `ROWS` rows by one panel stays in registers while it grows. With AVX-512 these are eight rows by two
registers of 64 bytes: in each round two registers of the panel are loaded and eight numbers spread over lanes, for
sixteen products, so the processor's two multipliers hardly wait. Smaller registers, and fewer, hold six rows by 64
bytes: two registers of AVX2, four of NEON (`tests/engines/fused/test_panels.py` holds all to torch's products, and
looks whether they stay in registers; `benchmarks/larger.py` times whole steps).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from numba import types
from numba.extending import intrinsic

from .lanes import (
    BYTES,
    CONTRACT,
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
from .target import Registers, registers
from .tiles import load_at, loop, unpacked
from .transpose import transpose_part

MOST_ROWS = 8
"""Rows of a block, at most: more gain nothing, and fill up batches."""


class Block(NamedTuple):
    """The block of a product that stays in registers: its rows, and how many `lanes` are beside each other in one."""

    rows: int
    lanes: int


def block_of(registers: Registers) -> Block:
    """The block for a processor, which leaves registers for one row of a panel and for a number in every lane."""
    lanes = 2 if registers.size == BYTES else 1
    beside = lanes * BYTES // registers.size
    return Block(min(MOST_ROWS, (registers.number - 1) // beside - 1), lanes)


ROWS, BESIDE = block_of(registers())
"""The block of the processor that numba compiles for."""


@inline
def panel(array: Any) -> Any:
    """The columns of a panel."""
    return BESIDE * width(array)


def _growing(*, along: bool) -> Any:
    """Sums of a block, with `count` more products each.

    Its rows are those of a panel of a and the products go `along` them, a[at + r panel + k]; or they are columns of a,
    and the products go across, a[at + k panel + r]; the columns then begin anywhere in a panel, and what would lie
    behind it lies in the next one, `further` on. On the other side stands row k of a panel of b.
    """

    @intrinsic
    def grow(typing: Any, sums: Any, left: Any, right: Any, count: Any) -> Any:
        a, b = left[0], right[0]
        lanes = lanes_of(b.dtype)
        apart_in_a = BESIDE * lanes.count

        def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            before, of_left, of_right, stop = args
            (of_a, first, further), (of_b, start) = unpacked(builder, of_left), unpacked(builder, of_right)
            firsts = [builder.add(first, first.type(r * apart_in_a if along else r)) for r in range(ROWS)]
            if not along and apart_in_a % ROWS:  # else no block goes beyond its panel
                firsts = [_in_next(builder, first, place, apart_in_a, further) for place in firsts]

            def number(k: Any, r: int) -> Any:
                place = builder.add(firsts[r], builder.mul(k, k.type(1 if along else apart_in_a)))
                one = builder.load(address(context, builder, a, of_a, place))
                return widened(context, builder, one, a.dtype, lanes)

            def body(k: Any, now: Sequence[Any]) -> list[Any]:
                row = builder.add(start, builder.mul(k, k.type(apart_in_a)))
                places = [builder.add(row, row.type(v * lanes.count)) for v in range(BESIDE)]
                vectors = [load_at(context, builder, b, of_b, place) for place in places]
                products = [builder.fmul(number(k, r), v, flags=CONTRACT) for r in range(ROWS) for v in vectors]
                return [builder.fadd(*both, flags=CONTRACT) for both in zip(now, products, strict=True)]

            grown = loop(builder, stop, 1, unpacked(builder, before), body)
            return context.make_tuple(builder, sig.return_type, grown)

        return types.UniTuple(lanes, BESIDE * ROWS)(sums, left, right, count), emit

    return grow


def _in_next(builder: Any, first: Any, place: Any, columns: int, further: Any) -> Any:
    """The place of a column, or of one in the next panel, if it lies behind that in which `first` lies."""
    whole = first.type
    behind = builder.and_(first, whole(-columns))
    is_behind = builder.icmp_signed(">=", place, builder.add(behind, whole(columns)))
    return builder.select(is_behind, builder.add(place, builder.sub(further, whole(columns))), place)


_along, _across = _growing(along=True), _growing(along=False)


@intrinsic
def _nothing(typing: Any, array: Any) -> Any:
    """A block of zeros."""
    lanes = lanes_of(array.dtype)

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        zero = context.get_constant_null(lanes)
        return context.make_tuple(builder, sig.return_type, [zero] * (BESIDE * ROWS))

    return types.UniTuple(lanes, BESIDE * ROWS)(array), emit


@intrinsic
def _store_all(typing: Any, tile: Any, sums: Any) -> Any:
    """The lanes of a block, one after another."""
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
    """Into the tile (ROWS, panel): some rows of a times a panel (count, panel) of b.

    `rows` are (a, where the first one begins, how far its panels are apart), `right` is (b, where its panel begins).
    """
    (a, at, step), (b, here), columns = rows, right, panel(tile)
    sums = _nothing(tile)
    for k in range(0, count, columns):
        sums = _along(sums, (a, at + k // columns * step, step), (b, here + k * columns), min(columns, count - k))
    _store_all(tile, sums)


@apart
def columns_times_panel(tile: Any, left: Any, right: Any, count: int) -> None:
    """Into the tile (ROWS, panel): sum_n a[n, r] b[n], of some columns of a, and a panel of b.

    `left` is (a, where the first column begins, how far it is to the next panel, or the width of one if there is none:
    columns are then taken that do not count), `right` is (b, where its panel begins).
    """
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
def transpose_into_panel(left: Any, shape: Any, out: Any) -> None:
    """A panel (columns, panel) from some rows of a matrix (rows, columns), at most as many as it is wide.

    `left` is (the matrix, where they begin, how far they are apart), `out` is (where to, from where on).
    """
    transpose_part(left, shape, (out[0], out[1], panel(left[0])))


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
