"""Registers that hold several units of two rows: what a network with one hidden layer takes its products with.

The lanes are unit 0 of both rows, unit 1 of both rows, and so on. A number of each of the two rows, as they lie side by
side in memory, goes to all units in one load; a weight is there twice. So no row is ever moved between lanes, the sums
over rows need one addition across lanes in the end, and a row needs no copy with its numbers apart.
"""

from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .lanes import CONTRACT, Lanes, address, chosen, lanes_of, place_of
from .tiles import load_at, loop, unpacked


@intrinsic
def spread_sums(typing: Any, numbers: Any, values: Any, count: Any, chains: Any) -> Any:
    """sum_k x[at + k step] w[here + k width] over `count` numbers k, as lanes: for each `here`, for each `at`.

    `numbers` are (x, several places `at`, step): from each place two numbers are taken, for the two rows of the lanes.
    `values` are (w, several places `here`, width). Several `chains` of sums, a number that is written out, take turns
    with the numbers k, of which there are that many or a multiple: a sum waits four cycles for the one before it.
    """
    if not isinstance(chains, types.IntegerLiteral):
        return None
    lanes, num_chains = lanes_of(values[0].dtype), chains.literal_value
    num_sums = numbers[1].count * values[1].count

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        x, at, step = unpacked(builder, args[0])
        w, here, width = unpacked(builder, args[1])
        zero, places, lines = context.get_constant_null(lanes), unpacked(builder, at), unpacked(builder, here)

        def products(k: Any) -> list[Any]:
            along_x, along_w = builder.mul(k, step), builder.mul(k, width)
            both = [_spread(context, builder, numbers[0], x, builder.add(place, along_x)) for place in places]
            vectors = [load_at(context, builder, values[0], w, builder.add(line, along_w)) for line in lines]
            return [builder.fmul(one, vector, flags=CONTRACT) for vector in vectors for one in both]

        def body(k: Any, sums: Sequence[Any]) -> list[Any]:
            added = [one for chain in range(num_chains) for one in products(builder.add(k, k.type(chain)))]
            return [builder.fadd(before, one, flags=CONTRACT) for before, one in zip(sums, added, strict=True)]

        sums = loop(builder, args[2], num_chains, [zero] * (num_sums * num_chains), body)
        found = sums[:num_sums]
        for chain in range(1, num_chains):
            more = sums[chain * num_sums : (chain + 1) * num_sums]
            found = [builder.fadd(before, one, flags=CONTRACT) for before, one in zip(found, more, strict=True)]
        return context.make_tuple(builder, sig.return_type, found)

    return types.UniTuple(lanes, num_sums)(numbers, values, count, chains), emit


@intrinsic
def row_sums(typing: Any, values: Any, weights: Any, count: Any) -> Any:
    """sum_u a[at + u] w[here + u] of each of as many rows as there are lanes, over `count` registers of units.

    `values` are (a, at, how far it is to the next two rows), `weights` are (w, here).
    """
    lanes = lanes_of(values[0].dtype)

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        a, at, step = unpacked(builder, args[0])
        w, here = unpacked(builder, args[1])
        places = [at]
        while len(places) < lanes.count // 2:
            places.append(builder.add(places[-1], step))

        def body(k: Any, sums: Sequence[Any]) -> list[Any]:
            along = builder.mul(k, k.type(lanes.count))
            vector = load_at(context, builder, weights[0], w, builder.add(here, along))
            loaded = [load_at(context, builder, values[0], a, builder.add(place, along)) for place in places]
            products = [builder.fmul(one, vector, flags=CONTRACT) for one in loaded]
            return [builder.fadd(before, one, flags=CONTRACT) for before, one in zip(sums, products, strict=True)]

        return _halved(builder, loop(builder, args[2], 1, [context.get_constant_null(lanes)] * len(places), body))

    return lanes(values, weights, count), emit


@intrinsic
def load_pair(typing: Any, array: Any, first: Any, second: Any) -> Any:
    """Half a register of consecutive numbers from each of two places, in turn: a, A, b, B, ..."""
    lanes = lanes_of(array.dtype)

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        half = lanes.count // 2
        one, other = (_load_some(context, builder, array, args[0], place, half) for place in args[1:])
        return chosen(builder, one, [start + k for k in range(half) for start in (0, half)], other)

    return lanes(array, first, second), emit


@intrinsic
def load_twice(typing: Any, array: Any, index: Any) -> Any:
    """Half a register of consecutive numbers, each of them twice: a, a, b, b, ..."""
    lanes = lanes_of(array.dtype)

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        half = _load_some(context, builder, array, args[0], args[1], lanes.count // 2)
        return chosen(builder, half, [k for k in range(lanes.count // 2) for _ in range(2)])

    return lanes(array, types.intp), emit


@intrinsic
def put_folded(typing: Any, array: Any, index: Any, value: Any, later: Any) -> Any:
    """The numbers of both rows added, stored from array[index] on; added to what is there if it is `later`."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        of_first, of_second = (chosen(builder, args[2], range(start, value.count, 2)) for start in (0, 1))
        both = builder.fadd(of_first, of_second, flags=CONTRACT)
        place = place_of(context, builder, sig, args, both.type)
        before = builder.load(place, align=array.dtype.bitwidth // 8)
        is_later = builder.trunc(args[3], ir.IntType(1)) if args[3].type.width > 1 else args[3]
        more = builder.select(is_later, before, context.get_constant_null(Lanes(array.dtype, value.count // 2)))
        builder.store(builder.fadd(both, more, flags=CONTRACT), place, align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, types.intp, value, types.boolean), emit


def _halved(builder: Any, vectors: Sequence[Any]) -> Any:
    """The sums over the units of each vector, for its two rows: half of the units are added to the other half, ..."""
    vectors, size, count = list(vectors), vectors[0].type.count, vectors[0].type.count
    while len(vectors) > 1:
        starts = range(0, 2 * count, size)
        low, high = ([start + part + k for start in starts for k in range(size // 2)] for part in (0, size // 2))
        vectors = [
            builder.fadd(chosen(builder, a, low, b), chosen(builder, a, high, b), flags=CONTRACT)
            for a, b in zip(vectors[::2], vectors[1::2], strict=True)
        ]
        size //= 2
    return vectors[0]


def _spread(context: Any, builder: Any, array: Any, value: Any, index: Any) -> Any:
    """Two consecutive numbers in all lanes, in turn."""
    return chosen(
        builder, _load_some(context, builder, array, value, index, 2), [0, 1] * (lanes_of(array.dtype).count // 2)
    )


def _load_some(context: Any, builder: Any, array: Any, value: Any, index: Any, count: int) -> Any:
    vector = ir.VectorType(context.get_value_type(array.dtype), count)
    place = builder.bitcast(address(context, builder, array, value, index), vector.as_pointer())
    return builder.load(place, align=array.dtype.bitwidth // 8)
