"""Products that leave out zeros: of images and one-hot columns, half of the inputs and more are 0.

A dense product takes as many rows at once as registers hold, and what is 0 differs from row to row. Here two rows are
taken together. Bits say which of their numbers are not 0. Where both are not, a register of the other side is loaded
once for two products, as in a dense product; then each row goes alone through what only it has, where it waits for
loads (`benchmarks/zeros.py`).
"""

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .lanes import BYTES, CONTRACT, WHOLE, address, apart, in_every, inline, lanes_of, place_of, widened
from .panels import BESIDE, block_of
from .target import Registers, registers
from .tiles import load_at, loop, loop_while, unpacked

AT_ONCE = 32
"""Rows of a panel whose bits are looked at together: as many as a mark has."""


def panels_of(of: Registers) -> int:
    """The panels of sums that two rows have in registers: they fill half of these."""
    of_a_row = block_of(of).lanes * BYTES // of.size
    return max(1, of.number // 4 // of_a_row)


PANELS = panels_of(registers())


@intrinsic
def spread(typing: Any, at: Any, step: Any) -> Any:
    """The places at, at + step, ... of as many panels as are taken together."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        places = [builder.add(args[0], builder.mul(args[1], args[1].type(p))) for p in range(PANELS)]
        return context.make_tuple(builder, sig.return_type, places)

    return types.UniTuple(types.intp, PANELS)(types.intp, types.intp), emit


@intrinsic
def nonzeros(typing: Any, array: Any, at: Any, like: Any) -> Any:
    """Bit k says whether array[at + k] is not 0, for a panel of the type of another array. NaN is not 0."""
    columns = BESIDE * lanes_of(like.dtype).count

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        flags = _are_nonzero(context, builder, array, args[0], args[1], columns)
        return builder.zext(builder.bitcast(flags, ir.IntType(columns)), ir.IntType(64))

    return types.uint64(array, types.intp, like), emit


@intrinsic
def mark_rows(typing: Any, array: Any, at: Any, count: Any, like: Any, marks: Any) -> Any:
    """Bit r of marks[k] says whether array[at + r panel + k] is not 0, for some rows of a panel."""
    columns = BESIDE * lanes_of(like.dtype).count

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        whole = ir.VectorType(WHOLE, columns)
        none = ir.Constant(whole, [0] * columns)

        def body(r: Any, found: Sequence[Any]) -> list[Any]:
            bit = in_every(builder, builder.shl(WHOLE(1), builder.trunc(r, WHOLE)), whole)
            place = builder.add(args[1], builder.mul(r, r.type(columns)))
            flags = _are_nonzero(context, builder, array, args[0], place, columns)
            return [builder.or_(found[0], builder.select(flags, bit, none))]

        (found,) = loop(builder, args[2], 1, [none], body)
        start = context.get_constant(types.intp, 0)
        here = place_of(context, builder, types.void(marks, types.intp), [args[4], start], whole)
        builder.store(found, here, align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp, like, marks), emit


def _are_nonzero(context: Any, builder: Any, array: Any, value: Any, place: Any, columns: int) -> Any:
    """A truth value for each of so many numbers from array[place] on."""
    vector = ir.VectorType(context.get_value_type(array.dtype), columns)
    here = place_of(context, builder, types.void(array, types.intp), [value, place], vector)
    numbers = builder.load(here, align=array.dtype.bitwidth // 8)
    if isinstance(array.dtype, types.Integer):
        return builder.icmp_unsigned("!=", numbers, ir.Constant(vector, [0] * columns))
    return builder.fcmp_unordered("!=", numbers, ir.Constant(vector, [0.0] * columns))


@intrinsic
def copy_panel(typing: Any, array: Any, at: Any, out: Any, there: Any, like: Any) -> Any:
    """A row of a panel, as wide as those of the type of a third array: out[there + k] = array[at + k]."""
    columns = BESIDE * lanes_of(like.dtype).count

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        vector, align = ir.VectorType(context.get_value_type(array.dtype), columns), array.dtype.bitwidth // 8
        here, to = (
            place_of(context, builder, types.void(kind, types.intp), list(of), vector)
            for kind, of in ((array, args[:2]), (out, args[2:4]))
        )
        builder.store(builder.load(here, align=align), to, align=align)
        return context.get_dummy_value()

    return types.void(array, types.intp, out, types.intp, like), emit


@intrinsic
def _sums_at(typing: Any, array: Any, places: Any, further: Any) -> Any:
    """The sums of two rows that lie in some panels, the second row `further` on."""
    lanes = lanes_of(array.dtype)

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        sums = [load_at(context, builder, array, args[0], place) for place in _all_places(builder, lanes, *args[1:])]
        return context.make_tuple(builder, sig.return_type, sums)

    return types.UniTuple(lanes, 2 * BESIDE * len(places))(array, places, further), emit


@intrinsic
def _no_sums(typing: Any, array: Any, places: Any) -> Any:
    """Zeros instead of them."""
    lanes = lanes_of(array.dtype)

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        zeros = [context.get_constant_null(lanes)] * sig.return_type.count
        return context.make_tuple(builder, sig.return_type, zeros)

    return types.UniTuple(lanes, 2 * BESIDE * len(places))(array, places), emit


@intrinsic
def _put_sums(typing: Any, array: Any, places: Any, further: Any, sums: Any) -> Any:
    """The sums of two rows, where they belong."""
    lanes = lanes_of(array.dtype)

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        for place, value in zip(_all_places(builder, lanes, *args[1:3]), unpacked(builder, args[3]), strict=True):
            here = place_of(context, builder, types.void(array, types.intp), [args[0], place], value.type)
            builder.store(value, here, align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, places, further, sums), emit


def _all_places(builder: Any, lanes: Any, places: Any, further: Any) -> list[Any]:
    """The places of all lanes of two rows, panel by panel, the second row behind the first."""
    firsts = unpacked(builder, places)
    rows = [firsts, [builder.add(place, further) for place in firsts]]
    return [builder.add(place, place.type(v * lanes.count)) for row in rows for place in row for v in range(BESIDE)]


def _growing(*rows: int) -> Any:
    """Sums of two rows, of which some `rows` get the products of their numbers whose bits are set.

    That is a[at + row further + k step] b[place + k apart] for each bit k, in the order of bits.
    """

    @intrinsic
    def grow(typing: Any, sums: Any, bits: Any, left: Any, right: Any) -> Any:
        a, b = left[0], right[0]
        lanes, of_row = sums.dtype, len(sums) // 2

        def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            of_a, at, further, step = unpacked(builder, args[2])
            of_b, places, apart_in_b = unpacked(builder, args[3])
            firsts = [builder.add(at, builder.mul(further, further.type(row))) for row in rows]
            before = unpacked(builder, args[0])

            def body(k: Any, now: Sequence[Any]) -> list[Any]:
                along = [builder.add(first, builder.mul(k, step)) for first in firsts]
                loaded = [builder.load(address(context, builder, a, of_a, place)) for place in along]
                numbers = [widened(context, builder, one, a.dtype, lanes) for one in loaded]
                row = builder.mul(k, apart_in_b)
                heads = [builder.add(place, row) for place in unpacked(builder, places)]
                vectors = [
                    load_at(context, builder, b, of_b, builder.add(head, head.type(v * lanes.count)))
                    for head in heads
                    for v in range(BESIDE)
                ]
                products = [builder.fmul(number, v, flags=CONTRACT) for number in numbers for v in vectors]
                return [builder.fadd(*both, flags=CONTRACT) for both in zip(now, products, strict=True)]

            growing = [k for row in rows for k in range(row * of_row, (row + 1) * of_row)]
            grown = _for_each_bit(builder, args[1], [before[k] for k in growing], body)
            for k, value in zip(growing, grown, strict=True):
                before[k] = value
            return context.make_tuple(builder, sig.return_type, before)

        return sums(sums, bits, left, right), emit

    return grow


def _for_each_bit(
    builder: Any, bits: Any, carried: Sequence[Any], body: Callable[[Any, Sequence[Any]], list[Any]]
) -> list[Any]:
    """`carried = body(k, carried)` for each bit k that is set, the lowest first; what is carried stays in registers."""

    def is_any_set(left: Any) -> Any:
        return builder.icmp_unsigned("!=", left, left.type(0))

    def without_lowest(left: Any) -> Any:
        return builder.and_(left, builder.sub(left, left.type(1)))

    def of_lowest(left: Any, now: Sequence[Any]) -> list[Any]:
        return body(builder.cttz(left, ir.IntType(1)(1)), now)

    return loop_while(builder, bits, (is_any_set, without_lowest), carried, of_lowest)


_both, _first, _second = _growing(0, 1), _growing(0), _growing(1)


@apart
def add_nonzeros(into: Any, left: Any, right: Any, bits: Any, begins: bool) -> None:
    """Two rows of a product in some panels grow by those products of one piece of the left side that are not 0.

    `into` are (sums, the places of the first row in each panel, how far the second is); `left` are (a, where its first
    row begins, how far the second is, how far numbers of a row are apart); `right` are (b, places in each panel, how
    far its rows are apart); `bits` are those of both rows. Sums that it `begins` with are 0.
    """
    (out, places, further), (first, second) = into, bits
    sums = _no_sums(out, places) if begins else _sums_at(out, places, further)
    both = first & second
    sums = _both(sums, both, left, right)
    sums = _first(sums, first ^ both, left, right)
    sums = _second(sums, second ^ both, left, right)
    _put_sums(out, places, further, sums)


@inline
def group_of(count: int) -> int:
    """The panels that are taken together, of so many that are left."""
    return PANELS if count >= PANELS else 2 if count >= 2 else 1


@inline
def add_to_group(count: int, into: Any, left: Any, right: Any, bits: Any, begins: bool) -> None:
    """The same for a group of panels, of which only the first one's place is given, and how far they are apart.

    `into` are (sums, where, how far panels are apart, how far the second row is), `right` (b, where, how far panels
    are apart, how far rows are apart).
    """
    (out, there, step, further), (b, here, beside, apart_in_b) = into, right
    if count == PANELS:
        sums, of = (out, spread(there, step), further), (b, spread(here, beside), apart_in_b)
        add_nonzeros(sums, left, of, bits, begins)
    elif count == 2:
        pair, of_pair = (out, (there, there + step), further), (b, (here, here + beside), apart_in_b)
        add_nonzeros(pair, left, of_pair, bits, begins)
    else:
        add_nonzeros((out, (there,), further), left, (b, (here,), apart_in_b), bits, begins)
