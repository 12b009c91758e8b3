"""Four registers as one value: each operation on it is four independent ones, which the processor overlaps.

A long formula on one register is a chain of operations that wait for one another, and the processor looks only some two
hundred operations ahead.
"""

from typing import Any

from numba import types
from numba.extending import intrinsic

from .lanes import FOUR, Lanes, chosen, get, inline, lanes_of, place_of


@inline
def four(start: int, step: int) -> tuple[int, int, int, int]:
    """Four places, `step` elements apart."""
    return start, start + step, start + 2 * step, start + 3 * step


@inline
def shifted(places: Any, i: int) -> tuple[int, int, int, int]:
    """Four places, each `i` elements further."""
    return places[0] + i, places[1] + i, places[2] + i, places[3] + i


@inline
def four_of(array: Any, index: int) -> Any:
    """Four consecutive numbers of an array."""
    return get(array, index), get(array, index + 1), get(array, index + 2), get(array, index + 3)


@intrinsic
def load_four(typing: Any, array: Any, index: Any) -> Any:
    """Four registers of consecutive numbers as one value."""
    one = lanes_of(array.dtype)
    lanes = Lanes(one.dtype, FOUR * one.count)

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        place = place_of(context, builder, sig, args, context.get_value_type(lanes))
        return builder.load(place, align=array.dtype.bitwidth // 8)

    return lanes(array, types.intp), emit


@intrinsic
def join(typing: Any, registers: Any, first: Any) -> Any:
    """Four registers of a tuple as one value, from number `first` on, which must be a literal."""
    if not isinstance(first, types.IntegerLiteral):
        return None
    one, start = registers.dtype, first.literal_value

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        parts = [builder.extract_value(args[0], start + k) for k in range(FOUR)]
        low, high = (chosen(builder, parts[k], range(2 * one.count), parts[k + 1]) for k in (0, 2))
        return chosen(builder, low, range(FOUR * one.count), high)

    return Lanes(one.dtype, FOUR * one.count)(registers, first), emit


@intrinsic
def load_each(typing: Any, array: Any, places: Any) -> Any:
    """One register from each of four places, as one value."""
    one = lanes_of(array.dtype)

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        vector, parts = context.get_value_type(one), []
        for k in range(FOUR):
            at = place_of(context, builder, sig, (args[0], builder.extract_value(args[1], k)), vector)
            parts.append(builder.load(at, align=array.dtype.bitwidth // 8))
        low, high = (chosen(builder, parts[k], range(2 * one.count), parts[k + 1]) for k in (0, 2))
        return chosen(builder, low, range(FOUR * one.count), high)

    return Lanes(one.dtype, FOUR * one.count)(array, places), emit


@intrinsic
def store_each(typing: Any, array: Any, places: Any, value: Any) -> Any:
    """Stores the four registers of a value, each at a place of its own."""
    count = value.count // FOUR

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        for k in range(FOUR):
            part = chosen(builder, args[2], range(k * count, (k + 1) * count))
            at = place_of(context, builder, sig, (args[0], builder.extract_value(args[1], k)), part.type)
            builder.store(part, at, align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, places, value), emit
