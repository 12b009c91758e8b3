"""The sums of networks abreast: over inputs, units and rows, each in the order in which `hidden.py` adds it.

A weight is a register with that weight of every network, a number of a row is the same in all lanes (`abreast.py`).
"""

import functools
from collections.abc import Sequence
from typing import Any, final

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from . import kinds as kind
from .forward_active import GROUP
from .lanes import CONTRACT, address, lanes_of, widened
from .tiles import load_at, loop, unpacked
from .units import plus, with_product


@intrinsic
def affine(typing: Any, biases: Any, numbers: Any, weights: Any, count: Any) -> Any:
    """B + sum_i x[at + i] w[here + i width] over `count` numbers i, as lanes: for each `here`, for each `at`.

    `biases` has a register for each `here`; `numbers` are (x, several places `at`), `weights` (w, several `here`).
    """
    lanes = lanes_of(weights[0].dtype)

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        x, at = unpacked(builder, args[1])
        w, here = unpacked(builder, args[2])
        places, lines = unpacked(builder, at), unpacked(builder, here)

        def body(i: Any, sums: Sequence[Any]) -> list[Any]:
            loaded = [builder.load(address(context, builder, numbers[0], x, builder.add(k, i))) for k in places]
            spread = [widened(context, builder, one, numbers[0].dtype, lanes) for one in loaded]
            along = builder.mul(i, i.type(lanes.count))
            vectors = [load_at(context, builder, weights[0], w, builder.add(k, along)) for k in lines]
            return plus(builder, sums, [builder.fmul(n, v, flags=CONTRACT) for v in vectors for n in spread])

        begin = [one for one in unpacked(builder, args[0]) for _ in places]
        return context.make_tuple(builder, sig.return_type, loop(builder, args[3], 1, begin, body))

    return types.UniTuple(lanes, numbers[1].count * weights[1].count)(biases, numbers, weights, count), emit


@intrinsic
def unit_sums(typing: Any, values: Any, weights: Any, count: Any, together: Any) -> Any:
    """sum_u a[at + u step] w[here + u width] over `count` units u, for each `at`, in the order of `row_sums`.

    `values` are (a, several places `at`, step), `weights` are (w, here). As many units as the tuple `together` has
    elements share a register there; here each is a register.
    """
    lanes, num_rows, size = lanes_of(values[0].dtype), values[1].count, len(together)

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        a, at, step = unpacked(builder, args[0])
        w, here = unpacked(builder, args[1])
        places = unpacked(builder, at)

        def body(k: Any, sums: Sequence[Any]) -> list[Any]:
            added = []
            for unit in range(size):
                u = builder.add(k, k.type(unit))
                vector = load_at(
                    context, builder, weights[0], w, builder.add(here, builder.mul(u, u.type(lanes.count)))
                )
                for place in places:
                    value = load_at(context, builder, values[0], a, builder.add(place, builder.mul(u, step)))
                    added.append(builder.fmul(value, vector, flags=CONTRACT))
            return plus(builder, sums, added)

        sums = loop(builder, args[2], size, [context.get_constant_null(lanes)] * (size * num_rows), body)
        return context.make_tuple(builder, sig.return_type, _in_halves(builder, sums, num_rows))

    return types.UniTuple(lanes, num_rows)(values, weights, count, together), emit


@intrinsic
def row_products(typing: Any, numbers: Any, values: Any, rows: Any, chains: Any) -> Any:
    """sum_r x[at + r step] b[here + r] over the rows r, for each `at`, as registers.

    `numbers` are (x, several places `at`, step), `values` are (b, here). As many sums as the tuple `chains` has
    elements take the rows in turn, and those of every second row are added up first. Without chains each four rows are
    added to each other first, as `back_active.py` looks them up.
    """
    lanes, num_inputs = lanes_of(values[0].dtype), numbers[1].count

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        source, these = _Stored(context, builder, sig.args[1], args[1]), (sig.args[0], args[0])
        sums = _sums_over_rows(context, builder, (source, these, num_inputs), args[2], len(chains))
        return context.make_tuple(builder, sig.return_type, sums)

    return types.UniTuple(lanes, num_inputs)(numbers, values, rows, chains), emit


@intrinsic
def unit_products(typing: Any, unit: Any, numbers: Any, rows: Any, chains: Any) -> Any:
    """The same for the gradient dz of a hidden unit, computed here; the sums for its bias and output weight come first.

    `unit` is (dz2, a, here, w2, which): dz[r] = w2 dz2[r] f'(z), with f' from its values a[here + r]. The first two
    sums are sum_r dz[r] and sum_r dz2[r] a[here + r]. Without chains, w2 and the second sum are left out.
    """
    lanes, num_sums = lanes_of(unit[0].dtype), numbers[1].count + 2

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        source, these = _OfUnit(context, builder, sig.args[0], args[0]), (sig.args[1], args[1])
        sums = _sums_over_rows(context, builder, (source, these, num_sums), args[2], len(chains))
        return context.make_tuple(builder, sig.return_type, sums)

    return types.UniTuple(lanes, num_sums)(unit, numbers, rows, chains), emit


def _sums_over_rows(
    context: Any, builder: Any, of: tuple["_Stored | _OfUnit", tuple[Any, Any], int], rows: Any, num_chains: int
) -> Sequence[Any]:
    """The sums of the two functions above: `of` a source of values, numbers (type, value), and how many there are."""
    source, (type_of_numbers, numbers), num_sums = of
    inputs = _Inputs(context, builder, type_of_numbers, numbers)

    def row(r: Any) -> list[Any]:
        value, added = source.row(r)
        return added + [builder.fmul(number, value, flags=CONTRACT) for number in inputs.row(r)]

    def in_chains(r: Any, sums: Sequence[Any]) -> list[Any]:
        return plus(builder, sums, [one for chain in range(num_chains) for one in row(_later(builder, r, chain))])

    def in_groups(r: Any, sums: Sequence[Any]) -> list[Any]:
        group = [_later(builder, r, k) for k in range(GROUP)]
        values, added = source.group(group)
        for numbers in zip(*(inputs.row(k) for k in group), strict=True):
            one = builder.fmul(values[0], numbers[0])
            for value, number in zip(values[1:], numbers[1:], strict=True):
                one = with_product(builder, one, value, number)
            added.append(one)
        return plus(builder, sums, added)

    zeros = [context.get_constant_null(source.lanes)] * (num_sums * (num_chains or 1))
    sums = loop(builder, rows, num_chains or GROUP, zeros, in_chains if num_chains else in_groups)
    return _in_halves(builder, sums, num_sums)


@final
class _Inputs:
    """Emits what loads some inputs of a row."""

    def __init__(self, context: Any, builder: Any, type_of: Any, numbers: Any) -> None:
        self._context, self._builder, self._type = context, builder, type_of[0]
        self._x, places, self._step = unpacked(builder, numbers)
        self._places, self._lanes = unpacked(builder, places), lanes_of(type_of[0].dtype)

    def row(self, r: Any) -> list[Any]:
        """The inputs of row r, each in all lanes."""
        builder, found = self._builder, list[Any]()
        for column in self._places:
            place = builder.add(builder.mul(r, self._step), column)
            number = builder.load(address(self._context, builder, self._type, self._x, place))
            found.append(widened(self._context, builder, number, self._type.dtype, self._lanes))
        return found


@final
class _Stored:
    """Emits what loads the value of a row."""

    def __init__(self, context: Any, builder: Any, type_of: Any, values: Any) -> None:
        self._context, self._builder, self._type = context, builder, type_of[0]
        self._b, self._here = unpacked(builder, values)
        self.lanes = lanes_of(type_of[0].dtype)

    def row(self, r: Any) -> tuple[Any, list[Any]]:
        """The value of row r, and no sums of its own."""
        return self._value(r), []

    def group(self, rows: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """The same for a group of rows."""
        return [self._value(r) for r in rows], []

    def _value(self, r: Any) -> Any:
        along = self._builder.mul(r, r.type(self.lanes.count))
        return load_at(self._context, self._builder, self._type, self._b, self._builder.add(self._here, along))


@final
class _OfUnit:
    """Emits what computes the gradient of a hidden unit for a row."""

    def __init__(self, context: Any, builder: Any, type_of: Any, unit: Any) -> None:
        self._context, self._builder, self._types = context, builder, type_of
        self._dz2, self._a, self._here, self._w2, self._which = unpacked(builder, unit)
        self.lanes = lanes_of(type_of[0].dtype)

    def row(self, r: Any) -> tuple[Any, list[Any]]:
        """The gradient dz of row r, and what it adds to the sums of dz and of dz2 a."""
        builder, (dz2, a) = self._builder, self._loaded(r)
        da, one = builder.fmul(dz2, self._w2, flags=CONTRACT), ir.Constant(a.type, [1.0] * self.lanes.count)
        derivative = builder.fsub(one, builder.fmul(a, a, flags=CONTRACT), flags=CONTRACT)  # of tanh
        is_relu = builder.icmp_signed("==", self._which, self._which.type(kind.RELU))
        dz = builder.select(is_relu, self._where_active(da, a), builder.fmul(da, derivative, flags=CONTRACT))
        return dz, [dz, builder.fmul(dz2, a, flags=CONTRACT)]

    def group(self, rows: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """The same for a group of rows with relu, without w2: the gradients, and what their sum adds."""
        values = [self._where_active(*self._loaded(r)) for r in rows]
        total = functools.reduce(lambda before, one: self._builder.fadd(before, one, flags=CONTRACT), values)
        return values, [total, self._context.get_constant_null(self.lanes)]

    def _loaded(self, r: Any) -> tuple[Any, Any]:
        """The gradient of the logit of row r, and the unit's value."""
        along = self._builder.mul(r, r.type(self.lanes.count))
        dz2 = load_at(self._context, self._builder, self._types[0], self._dz2, along)
        return dz2, load_at(self._context, self._builder, self._types[1], self._a, self._builder.add(self._here, along))

    def _where_active(self, da: Any, a: Any) -> Any:
        zero = self._context.get_constant_null(self.lanes)
        return self._builder.select(self._builder.fcmp_ordered("<=", a, zero), zero, da)


def _later(builder: Any, r: Any, count: int) -> Any:
    return builder.add(r, r.type(count))


@intrinsic
def lane_sums(typing: Any, values: Any, share: Any, rows: Any) -> Any:
    """sum_r share[r] v[r] as registers, or without shares, in the order of `total`: there a row is a lane.

    `share` is a tuple that may be empty.
    """
    lanes = lanes_of(values.dtype)

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        def row(r: Any) -> Any:
            value = load_at(context, builder, values, args[0], builder.mul(r, r.type(lanes.count)))
            if not len(share):
                return value
            (array,) = unpacked(builder, args[1])
            number = builder.load(address(context, builder, share[0], array, r))
            return builder.fmul(widened(context, builder, number, share[0].dtype, lanes), value, flags=CONTRACT)

        def body(r: Any, sums: Sequence[Any]) -> list[Any]:
            return plus(builder, sums, [row(builder.add(r, r.type(lane))) for lane in range(lanes.count)])

        sums = loop(builder, args[2], lanes.count, [context.get_constant_null(lanes)] * lanes.count, body)
        return _in_halves(builder, sums, 1)[0]

    return lanes(values, share, rows), emit


def _in_halves(builder: Any, sums: Sequence[Any], count: int) -> Sequence[Any]:
    """So many sums out of more: the later half is added to the earlier one, until these are left."""
    while len(sums) > count:
        middle = len(sums) // 2
        sums = plus(builder, sums[:middle], sums[middle:])
    return sums
