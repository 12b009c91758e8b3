"""Blocks of matrix products that stay in registers while they grow, unrolled when they are compiled.

A register that is loaded is used for several products, and the sums of all of them are in flight at once: a sum waits
four cycles for the one before it, and two may begin in each.
"""

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .lanes import CONTRACT, address, chosen, lanes_of, widened


@intrinsic
def weighted(typing: Any, w: Any, at: Any, step: Any, count: Any, values: Any, here: Any, rows: Any) -> Any:
    """sum_i w[at_o + i step] values[here_r + i rows] over `count` numbers i, as lanes: for each r of `here`, each o."""
    lanes = lanes_of(values.dtype)

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        w_at, v_at = (_unpacked(builder, args[k]) for k in (1, 5))
        vector, zero = context.get_value_type(lanes), context.get_constant_null(lanes)

        def body(i: Any, sums: Sequence[Any]) -> list[Any]:
            along_w, along_v = builder.mul(i, args[2]), builder.mul(i, args[6])
            places = [address(context, builder, w, args[0], builder.add(k, along_w)) for k in w_at]
            weights = [widened(context, builder, builder.load(place), w.dtype, lanes) for place in places]
            vectors = [_load(context, builder, values, args[4], builder.add(k, along_v), vector) for k in v_at]
            products = [builder.fmul(weight, v, flags=CONTRACT) for v in vectors for weight in weights]
            return [builder.fadd(s, p, flags=CONTRACT) for s, p in zip(sums, products, strict=True)]

        sums = _loop(builder, args[3], 1, [zero] * (len(w_at) * len(v_at)), body)
        return context.make_tuple(builder, sig.return_type, sums)

    signature = types.UniTuple(lanes, len(at) * len(here))(w, at, step, count, values, here, rows)
    return signature, emit


@intrinsic
def store_products(typing: Any, sums: Any, dz: Any, there: Any, a: Any, here: Any, rows: Any) -> Any:
    """Puts sum_r dz[there_o + r] a[here_i + r] over the rows into `sums`, one after another: for each o, each i."""
    lanes = lanes_of(dz.dtype)

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        dz_at, a_at = (_unpacked(builder, args[k]) for k in (2, 4))
        vector, zero = context.get_value_type(lanes), context.get_constant_null(lanes)

        def body(r: Any, sums: Sequence[Any]) -> list[Any]:
            slopes = [_load(context, builder, dz, args[1], builder.add(k, r), vector) for k in dz_at]
            inputs = [_load(context, builder, a, args[3], builder.add(k, r), vector) for k in a_at]
            products = [builder.fmul(slope, value, flags=CONTRACT) for slope in slopes for value in inputs]
            return [builder.fadd(s, p, flags=CONTRACT) for s, p in zip(sums, products, strict=True)]

        parts = _loop(builder, args[5], lanes.count, [zero] * (len(dz_at) * len(a_at)), body)
        place = 0
        for totals in _totals(builder, parts):
            where = address(context, builder, sums, args[0], context.get_constant(types.intp, place))
            where = builder.bitcast(where, totals.type.as_pointer())
            builder.store(totals, where, align=sums.dtype.bitwidth // 8)
            place += totals.type.count
        return context.get_dummy_value()

    return types.void(sums, dz, there, a, here, rows), emit


def _loop(
    builder: Any, stop: Any, step: int, carried: Sequence[Any], body: Callable[[Any, Sequence[Any]], list[Any]]
) -> list[Any]:
    """`carried = body(k, carried)` for k = 0, step, ... below `stop`; what is carried stays in registers."""
    before, inside, after = builder.block, builder.append_basic_block("tile"), builder.append_basic_block("tiled")
    whole = stop.type
    builder.cbranch(builder.icmp_signed(">", stop, whole(0)), inside, after)
    builder.position_at_end(inside)
    k, now = builder.phi(whole), [builder.phi(value.type) for value in carried]
    following, then = builder.add(k, whole(step)), body(k, now)
    builder.cbranch(builder.icmp_signed("<", following, stop), inside, after)
    for phi, first, later in zip((k, *now), (whole(0), *carried), (following, *then), strict=True):
        phi.add_incoming(first, before)
        phi.add_incoming(later, inside)
    builder.position_at_end(after)
    ends = [builder.phi(value.type) for value in carried]
    for phi, first, later in zip(ends, carried, then, strict=True):
        phi.add_incoming(first, before)
        phi.add_incoming(later, inside)
    return ends


def _totals(builder: Any, vectors: Sequence[Any]) -> list[Any]:
    """The sums over the lanes of each vector, side by side in as few vectors as hold them.

    Two vectors become one: neighbors in each are added, which leaves half as many numbers of each. So sixteen vectors
    take fifteen additions, where one at a time would take sixty-four.
    """
    vectors, numbers = list(vectors), vectors[0].type.count
    while numbers > 1:
        firsts, seconds = vectors[::2], vectors[1::2] or [None]
        vectors = [_neighbors_added(builder, a, b) for a, b in zip(firsts, seconds, strict=True)]
        numbers //= 2
    return vectors


def _neighbors_added(builder: Any, a: Any, b: Any) -> Any:
    """a_0 + a_1, a_2 + a_3, ..., and then those of b, if there is one."""
    count = a.type.count * (1 if b is None else 2)
    even, odd = (chosen(builder, a, range(start, count, 2), b) for start in (0, 1))
    return builder.fadd(even, odd, flags=CONTRACT)


def _load(context: Any, builder: Any, array: Any, value: Any, index: Any, vector: Any) -> Any:
    place = builder.bitcast(address(context, builder, array, value, index), vector.as_pointer())
    return builder.load(place, align=array.dtype.bitwidth // 8)


def _unpacked(builder: Any, places: Any) -> list[Any]:
    """The elements of a tuple."""
    return [builder.extract_value(places, k) for k in range(places.type.count)]
