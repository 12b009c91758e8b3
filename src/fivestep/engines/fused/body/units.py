"""Registers whose lanes are units: the products of a network with one hidden layer.

The lanes are the units of one row, or, where one row would leave half a register idle, of two rows in turn: unit 0 of
both, unit 1 of both, and so on. `beside`, a tuple with an element for each of these rows, says how many. One load
spreads a number of a row to all of its units; with two rows, every weight is stored twice. So nothing is ever moved
between lanes, and a sum over rows needs at most one addition across lanes, at the end.
"""

from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .lanes import CONTRACT, address, chosen, lanes_of, place_of
from .tiles import load_at, loop, unpacked


@intrinsic
def spread_sums(typing: Any, beside: Any, numbers: Any, values: Any, count: Any, chains: Any) -> Any:
    """sum_k x[at + k step] w[here + k width] over `count` numbers k, as lanes: for each `here`, for each `at`.

    `numbers` are (x, several places `at`, step): each place has a number for each of the rows of the lanes. `values`
    are (w, several places `here`, width, the lanes that the sums of each `here` begin with, or none). Several `chains`
    of sums, a literal that divides `count`, take turns with the numbers k, as an addition takes four cycles.
    """
    if not isinstance(chains, types.IntegerLiteral):
        return None
    lanes, num_chains = lanes_of(values[0].dtype), chains.literal_value
    num_sums = numbers[1].count * values[1].count

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        x, at, step = unpacked(builder, args[1])
        w, here, width, first = unpacked(builder, args[2])
        zero, places, lines = context.get_constant_null(lanes), unpacked(builder, at), unpacked(builder, here)
        begin = [one for one in unpacked(builder, first) for _ in places] or [zero] * num_sums

        def products(k: Any) -> list[Any]:
            along_x, along_w = builder.mul(k, step), builder.mul(k, width)
            rows = [spread(context, builder, beside, numbers[0], x, builder.add(place, along_x)) for place in places]
            vectors = [load_at(context, builder, values[0], w, builder.add(line, along_w)) for line in lines]
            return [builder.fmul(one, vector, flags=CONTRACT) for vector in vectors for one in rows]

        def body(k: Any, sums: Sequence[Any]) -> list[Any]:
            return plus(builder, sums, [p for c in range(num_chains) for p in products(builder.add(k, k.type(c)))])

        sums = loop(builder, args[3], num_chains, begin + [zero] * (num_sums * (num_chains - 1)), body)
        return context.make_tuple(builder, sig.return_type, added_up(builder, sums, num_sums))

    return types.UniTuple(lanes, num_sums)(beside, numbers, values, count, chains), emit


@intrinsic
def row_sums(typing: Any, beside: Any, values: Any, weights: Any, count: Any) -> Any:
    """sum_u a[at + u] w[here + u] over `count` registers of units, for as many rows as there are lanes.

    `values` are (a, at, the distance to the rows of the next register), `weights` are (w, here).
    """
    lanes = lanes_of(values[0].dtype)

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        a, at, step = unpacked(builder, args[1])
        w, here = unpacked(builder, args[2])
        places = [at]
        while len(places) < lanes.count // len(beside):
            places.append(builder.add(places[-1], step))

        def body(k: Any, sums: Sequence[Any]) -> list[Any]:
            along = builder.mul(k, k.type(lanes.count))
            vector = load_at(context, builder, weights[0], w, builder.add(here, along))
            loaded = [load_at(context, builder, values[0], a, builder.add(place, along)) for place in places]
            return plus(builder, sums, [builder.fmul(one, vector, flags=CONTRACT) for one in loaded])

        sums = loop(builder, args[3], 1, [context.get_constant_null(lanes)] * len(places), body)
        return _halved(builder, sums, lanes.count)

    return lanes(beside, values, weights, count), emit


@intrinsic
def four_halved(typing: Any, value: Any, size: Any) -> Any:
    """Four registers as one value, in which each so many neighbors are to be added up: one, of a fourth of them each.

    From the units of four rows come four numbers of each row, and from these, in four registers, the sums of sixteen
    rows, added up as in `row_sums`.
    """
    if not isinstance(size, types.IntegerLiteral):
        return None
    lanes, neighbors = lanes_of(value.dtype), size.literal_value

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        starts = range(0, value.count, lanes.count)
        return _halved(builder, [chosen(builder, args[0], range(k, k + lanes.count)) for k in starts], neighbors)

    return lanes(value, size), emit


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
def put_sums(typing: Any, beside: Any, array: Any, index: Any, value: Any, later: Any) -> Any:
    """Stores sums over rows at array[index], ..., after adding those of two rows in turn.

    If `later`, they are added to what is there.
    """

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        value = rows_added(builder, beside, args[3])
        store_sums(context, builder, array, (*args[1:3], value), args[4])
        return context.get_dummy_value()

    return types.void(beside, array, types.intp, value, types.boolean), emit


def rows_added(builder: Any, beside: Any, value: Any) -> Any:
    """The sums of the units; if the lanes are two rows in turn, those of both rows added."""
    if len(beside) == 1:
        return value
    of_first, of_second = (chosen(builder, value, range(start, value.type.count, 2)) for start in (0, 1))
    return builder.fadd(of_first, of_second, flags=CONTRACT)


def store_sums(context: Any, builder: Any, array: Any, into: Any, later: Any) -> None:
    """Stores sums, added to what is there if `later`: `into` are the array, the index and the sums."""
    numbers, place, value = into
    pointer = builder.bitcast(address(context, builder, array, numbers, place), value.type.as_pointer())
    align, zero = array.dtype.bitwidth // 8, ir.Constant(value.type, [0.0] * value.type.count)
    is_later = builder.trunc(later, ir.IntType(1)) if later.type.width > 1 else later
    before = builder.select(is_later, builder.load(pointer, align=align), zero)
    builder.store(builder.fadd(value, before, flags=CONTRACT), pointer, align=align)


def plus(builder: Any, sums: Sequence[Any], more: Sequence[Any]) -> list[Any]:
    """The sums plus `more`, one by one."""
    return [builder.fadd(before, one, flags=CONTRACT) for before, one in zip(sums, more, strict=True)]


def with_product(builder: Any, before: Any, a: Any, b: Any) -> Any:
    """`before` + a b as one fused operation, even where another sum adds the same product."""
    vector, name = before.type, f"v{before.type.count}{before.type.element.intrinsic_name}"
    kind = ir.FunctionType(vector, [vector] * 3)
    return builder.call(builder.module.declare_intrinsic(f"llvm.fmuladd.{name}", fnty=kind), [a, b, before])


@intrinsic
def add_product(typing: Any, before: Any, a: Any, b: Any) -> Any:
    """`before` + a b as one fused operation, where the processor has it."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return with_product(builder, *args)

    return before(before, a, b), emit


def added_up(builder: Any, sums: Sequence[Any], count: int) -> list[Any]:
    """`count` sums, each the total of several chains."""
    found = list(sums[:count])
    for start in range(count, len(sums), count):
        found = plus(builder, found, sums[start : start + count])
    return found


def spread(context: Any, builder: Any, beside: Any, array: Any, value: Any, index: Any) -> Any:
    """Consecutive numbers, one for each of the rows of a register, spread over the lanes in turn."""
    rows = len(beside)
    numbers = _load_some(context, builder, array, value, index, rows)
    return chosen(builder, numbers, [*range(rows)] * (lanes_of(array.dtype).count // rows))


def store_at(context: Any, builder: Any, array: Any, value: Any, index: Any, vector: Any) -> None:
    """Stores a register at array[index], ..."""
    place = place_of(context, builder, types.void(array), (value, index), vector.type)
    builder.store(vector, place, align=array.dtype.bitwidth // 8)


def _halved(builder: Any, vectors: Sequence[Any], size: int) -> Any:
    """One vector with the sums of so many neighbors: half of them are added to the other half, and so on.

    Two vectors become one, which leaves half as many numbers to be added. So from a vector of units for each row come
    the sums of all rows.
    """
    vectors, count = list(vectors), vectors[0].type.count
    while len(vectors) > 1:
        starts = range(0, 2 * count, size)
        low, high = ([start + part + k for start in starts for k in range(size // 2)] for part in (0, size // 2))
        vectors = [
            builder.fadd(chosen(builder, a, low, b), chosen(builder, a, high, b), flags=CONTRACT)
            for a, b in zip(vectors[::2], vectors[1::2], strict=True)
        ]
        size //= 2
    return vectors[0]


def _load_some(context: Any, builder: Any, array: Any, value: Any, index: Any, count: int) -> Any:
    vector = ir.VectorType(context.get_value_type(array.dtype), count)
    place = builder.bitcast(address(context, builder, array, value, index), vector.as_pointer())
    return builder.load(place, align=array.dtype.bitwidth // 8)
