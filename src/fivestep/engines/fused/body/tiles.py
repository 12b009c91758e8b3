"""Blocks of matrix products that stay in registers while they grow, unrolled when they are compiled.

A register that is loaded is used for several products, and the sums of all of them are in flight at once: a sum waits
four cycles for the one before it, and two may begin in each.
"""

from collections.abc import Callable, Sequence
from typing import Any

from numba import types
from numba.extending import intrinsic

from .lanes import CONTRACT, address, chosen, lanes_of, put_some, widened


@intrinsic
def weighted(typing: Any, weights: Any, values: Any, count: Any) -> Any:
    """sum_i w[at + i step] values[here + i rows] over `count` numbers i, as lanes: for each `here`, for each `at`.

    `weights` are (w, several places `at`, step), `values` are (values, several places `here`, rows).
    """
    lanes = lanes_of(values[0].dtype)

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        w, w_at, w_step = unpacked(builder, args[0])
        v, v_at, v_step = unpacked(builder, args[1])
        zero = context.get_constant_null(lanes)

        def body(i: Any, sums: Sequence[Any]) -> list[Any]:
            along_w, along_v = builder.mul(i, w_step), builder.mul(i, v_step)
            places = [builder.add(k, along_w) for k in unpacked(builder, w_at)]
            loaded = [builder.load(address(context, builder, weights[0], w, place)) for place in places]
            numbers = [widened(context, builder, one, weights[0].dtype, lanes) for one in loaded]
            places = [builder.add(k, along_v) for k in unpacked(builder, v_at)]
            vectors = [load_at(context, builder, values[0], v, place) for place in places]
            return _with_products(builder, sums, vectors, numbers)

        sums = loop(builder, args[2], 1, [zero] * (weights[1].count * values[1].count), body)
        return context.make_tuple(builder, sig.return_type, sums)

    return types.UniTuple(lanes, weights[1].count * values[1].count)(weights, values, count), emit


@intrinsic
def store_products(typing: Any, into: Any, dz: Any, a: Any, rows: Any) -> Any:
    """A gradient: sum_r dz[there + r] a[here + r] over the rows, and sum_r dz[there + r], that of a bias.

    Each `there` is a unit, each `here` one of its inputs.
    `into` are (gradient, where that of the first unit begins, how far it is to the next unit, how many of the inputs
    are stored, where that of the biases begins or -1, whether what is there is added to or forgotten). `dz` are
    (dz, several places `there`), `a` are (a, several places `here`).
    """
    lanes, num_units, num_inputs = lanes_of(a[0].dtype), dz[1].count, a[1].count

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        g, place, step, count, bias, later = unpacked(builder, args[0])
        gradients, there = unpacked(builder, args[1])
        values, here = unpacked(builder, args[2])
        zero = context.get_constant_null(lanes)

        def body(r: Any, sums: Sequence[Any]) -> list[Any]:
            left = [load_at(context, builder, dz[0], gradients, builder.add(k, r)) for k in unpacked(builder, there)]
            right = [load_at(context, builder, a[0], values, builder.add(k, r)) for k in unpacked(builder, here)]
            of_biases = [builder.fadd(*both, flags=CONTRACT) for both in zip(sums[:num_units], left, strict=True)]
            return of_biases + _with_products(builder, sums[num_units:], left, right)

        sums = loop(builder, args[3], lanes.count, [zero] * (num_units * (1 + num_inputs)), body)
        numbers = _totals(builder, sums[num_units:])
        for u in range(num_units):
            which, start = divmod(u * num_inputs, numbers[0].type.count)
            of_unit = chosen(builder, numbers[which], range(start, start + num_inputs))
            put_some(builder, address(context, builder, into[0], g, place), of_unit, count, later)
            place = builder.add(place, step)
        with builder.if_then(builder.icmp_signed(">=", bias, bias.type(0))):
            (of_biases,) = _totals(builder, sums[:num_units])
            put_some(builder, address(context, builder, into[0], g, bias), of_biases, bias.type(num_units), later)
        return context.get_dummy_value()

    return types.void(into, dz, a, rows), emit


def _with_products(builder: Any, sums: Sequence[Any], left: Sequence[Any], right: Sequence[Any]) -> list[Any]:
    """The sums, each with the next product: of the first on the left with each on the right, of the second, ..."""
    products = [builder.fmul(one, other, flags=CONTRACT) for one in left for other in right]
    return [builder.fadd(before, product, flags=CONTRACT) for before, product in zip(sums, products, strict=True)]


def loop(
    builder: Any, stop: Any, step: int, carried: Sequence[Any], body: Callable[[Any, Sequence[Any]], list[Any]]
) -> list[Any]:
    """`carried = body(k, carried)` for k = 0, step, ... below `stop`; what is carried stays in registers."""

    def is_below(k: Any) -> Any:
        return builder.icmp_signed("<", k, stop)

    def following(k: Any) -> Any:
        return builder.add(k, k.type(step))

    return loop_while(builder, stop.type(0), (is_below, following), carried, body)


def loop_while(
    builder: Any,
    first: Any,
    turns: tuple[Callable[[Any], Any], Callable[[Any], Any]],
    carried: Sequence[Any],
    body: Callable[[Any, Sequence[Any]], list[Any]],
) -> list[Any]:
    """`carried = body(k, carried)` from the `first` k on; `turns` say whether k has a turn, and which k follows."""
    goes_on, next_of = turns
    before, inside, after = builder.block, builder.append_basic_block("tile"), builder.append_basic_block("tiled")
    builder.cbranch(goes_on(first), inside, after)
    builder.position_at_end(inside)
    k, now = builder.phi(first.type), [builder.phi(value.type) for value in carried]
    following, then = next_of(k), body(k, now)
    end = builder.block  # of the body, which may have loops of its own
    builder.cbranch(goes_on(following), inside, after)
    for phi, value, later in zip((k, *now), (first, *carried), (following, *then), strict=True):
        phi.add_incoming(value, before)
        phi.add_incoming(later, end)
    builder.position_at_end(after)
    ends = [builder.phi(value.type) for value in carried]
    for phi, value, later in zip(ends, carried, then, strict=True):
        phi.add_incoming(value, before)
        phi.add_incoming(later, end)
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


def load_at(context: Any, builder: Any, array: Any, value: Any, index: Any) -> Any:
    """One register of numbers, beginning at array[index]."""
    vector = context.get_value_type(lanes_of(array.dtype))
    place = builder.bitcast(address(context, builder, array, value, index), vector.as_pointer())
    return builder.load(place, align=array.dtype.bitwidth // 8)


def unpacked(builder: Any, places: Any) -> list[Any]:
    """The elements of a tuple."""
    return [builder.extract_value(places, k) for k in range(len(places.type))]
