"""Networks abreast: as many networks with one hidden layer as a register has lanes, each in a lane of its own.

They have the same rows and the same plan, but for seed and rate. A weight is a register with that weight of every
network, a number of a row is the same for all lanes: so nothing is ever moved between lanes, no lane is idle, and the
update rule fills its registers. Each sum is added in the order in which `hidden.py` adds it, where rows and units lie
in the lanes; so each network is, to the bit, the one that is trained by itself.

Buffers hold whole registers: element k of one is the lanes from `k * width` on.
"""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple, final

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from . import kinds as kind
from .elementwise import exp_of_size
from .forward_active import GROUP
from .fours import four, join, load_four, store_each
from .hidden import activated, takes_active_rows
from .lanes import CONTRACT, FOUR, address, every, get, inline, lanes_of, load, store, where, widened, width
from .losses import Measure, of_output
from .rules import Rule, clip, corrections, powers_after, powers_at, update
from .tiles import load_at, loop, unpacked
from .units import add_product, plus, with_product

IN_GROUPS, IN_ONE, IN_TWO, IN_FOUR = (), (0,), (0,) * 2, (0,) * 4
"""So many rows take turns, for code that is written out for each of them."""


class Abreast(NamedTuple):
    """The networks, and room for what a step computes.

    Parameters lie unit by unit: each hidden unit's weights and its bias, then the output's weights, then its bias.
    `x` (N, I) are the rows and `y`, `share` (N,) their targets and weights, with zeros behind them up to whole
    registers of rows, `rows` in all. `units` hidden units, with those that fill up a register in `hidden.py`, have room
    in `a`, the gradient of one in `dz`, logits and their gradient in `z` and `dz2`. `turns` says of each unit in how
    many sums `hidden.py` adds up its gradient, row after row in turn, or 0 where rows are looked up; `together` has an
    element for each unit of a register there.
    """

    which: int
    num_in: int
    num_hidden: int
    units: int
    has_hidden_bias: bool
    has_bias: bool
    rows: int
    x: Any
    y: Any
    share: Any
    turns: Any
    together: Any
    a: Any
    dz: Any
    z: Any
    dz2: Any


class Courses(NamedTuple):
    """The steps, after `done` others: the rates of each (S, lanes), and where the losses go (S, lanes)."""

    done: int
    rates: Any
    losses: Any


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
def row_products(typing: Any, first: Any, numbers: Any, values: Any, rows: Any, turns: Any) -> Any:
    """Sums over the rows r of x[at + r step] b[here + r], for each `at`, as registers.

    `numbers` are (x, several places `at`, step), `values` are (b, here). With `first`, (dz2, a, here, w2, which), a
    tuple that may be empty, b is computed instead of loaded, the gradient w2 dz2 f'(z) of the unit with the values
    a[here + r]; then sum_r b[r] and sum_r dz2[r] a[here + r] come before.

    As many rows as the tuple `turns` has elements take turns in sums of their own; those of every second one are added
    up first. Without turns each four rows are added to each other first, as `back_active.py` looks them up; w2 and the
    sum with a are left out.
    """
    lanes, num_turns, num_inputs = lanes_of(values[0].dtype), len(turns), numbers[1].count
    num_sums = num_inputs + 2 * (len(first) > 0)

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        this = _Products(context, builder, sig.args, args)

        def in_turns(r: Any, sums: Sequence[Any]) -> list[Any]:
            return plus(builder, sums, [one for turn in range(num_turns) for one in this.row(_later(builder, r, turn))])

        def in_groups(r: Any, sums: Sequence[Any]) -> list[Any]:
            return plus(builder, sums, this.group(r))

        zeros = [context.get_constant_null(lanes)] * (num_sums * (num_turns or 1))
        sums = loop(builder, args[3], num_turns or GROUP, zeros, in_turns if num_turns else in_groups)
        return context.make_tuple(builder, sig.return_type, _in_halves(builder, sums, num_sums))

    return types.UniTuple(lanes, num_sums)(first, numbers, values, rows, turns), emit


@final
class _Products:
    """Writes what rows add to the sums of `row_products`."""

    def __init__(self, context: Any, builder: Any, types_of: Sequence[Any], args: Sequence[Any]) -> None:
        self._context, self._builder, (self._first_types, self._numbers, self._values) = context, builder, types_of[:3]
        self._lanes, self._first = lanes_of(self._values[0].dtype), unpacked(builder, args[0])
        self._x, at, self._step = unpacked(builder, args[1])
        self._b, self._here = unpacked(builder, args[2])
        self._columns = unpacked(builder, at)

    def row(self, r: Any) -> list[Any]:
        """What row r adds."""
        builder, added = self._builder, list[Any]()
        if self._first:
            (slope, a), (*_, weight, which) = self._of_unit(r), self._first
            value = self._gradient(builder.fmul(slope, weight, flags=CONTRACT), a, which)
            added = [value, builder.fmul(slope, a, flags=CONTRACT)]
        else:
            value = self._value(r)
        numbers = [self._number(r, column) for column in self._columns]
        return added + [builder.fmul(number, value, flags=CONTRACT) for number in numbers]

    def group(self, r: Any) -> list[Any]:
        """What rows r to r + 3 add, each row to the one before it."""
        builder, rows = self._builder, [_later(self._builder, r, k) for k in range(GROUP)]
        values, added = (
            [self._where_active(*self._of_unit(k)) if self._first else self._value(k) for k in rows],
            list[Any](),
        )
        if self._first:
            total = functools.reduce(lambda before, one: builder.fadd(before, one, flags=CONTRACT), values)
            added = [total, self._context.get_constant_null(self._lanes)]
        for column in self._columns:
            one = builder.fmul(values[0], self._number(rows[0], column))
            for row, value in zip(rows[1:], values[1:], strict=True):
                one = with_product(builder, one, value, self._number(row, column))
            added.append(one)
        return added

    def _of_unit(self, r: Any) -> tuple[Any, Any]:
        """The gradient of the logit of row r, and the unit's value."""
        builder, (dz2, a, start, *_) = self._builder, self._first
        along = builder.mul(r, r.type(self._lanes.count))
        slope = load_at(self._context, builder, self._first_types[0], dz2, along)
        return slope, load_at(self._context, builder, self._first_types[1], a, builder.add(start, along))

    def _gradient(self, slope: Any, a: Any, which: Any) -> Any:
        """The slope times f', which follows from a = f(z)."""
        builder, one = self._builder, ir.Constant(a.type, [1.0] * self._lanes.count)
        bend = builder.fsub(one, builder.fmul(a, a, flags=CONTRACT), flags=CONTRACT)
        is_relu = builder.icmp_signed("==", which, which.type(kind.RELU))
        return builder.select(is_relu, self._where_active(slope, a), builder.fmul(slope, bend, flags=CONTRACT))

    def _where_active(self, slope: Any, a: Any) -> Any:
        zero = self._context.get_constant_null(self._lanes)
        return self._builder.select(self._builder.fcmp_ordered("<=", a, zero), zero, slope)

    def _value(self, r: Any) -> Any:
        along = self._builder.mul(r, r.type(self._lanes.count))
        return load_at(self._context, self._builder, self._values[0], self._b, self._builder.add(self._here, along))

    def _number(self, r: Any, column: Any) -> Any:
        """A number of row r, in all lanes."""
        place = self._builder.add(self._builder.mul(r, self._step), column)
        number = self._builder.load(address(self._context, self._builder, self._numbers[0], self._x, place))
        return widened(self._context, self._builder, number, self._numbers[0].dtype, self._lanes)


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


@inline
def _forward(net: Abreast, w: Any) -> None:
    """The hidden units and the logits."""
    n, lanes, a, line = net.num_in, width(w), net.a, net.rows * width(w)
    for h in range(0, net.num_hidden, 2):
        other = min(h + 1, net.num_hidden - 1)
        at = h * (n + 1) * lanes, other * (n + 1) * lanes
        biases = load(w, at[0] + n * lanes), load(w, at[1] + n * lanes)
        for r in range(0, net.rows, FOUR):
            z = affine(biases, (net.x, four(r * n, n)), (w, at), n)
            store_each(a, four(h * line + r * lanes, lanes), join(z, 0))
            store_each(a, four(other * line + r * lanes, lanes), join(z, 4))
        for r in range(h * line, (other + 1) * line, FOUR * lanes):
            store_each(a, four(r, lanes), activated(net.which, load_four(a, r)))
    w2 = net.num_hidden * (n + 1) * lanes
    b = load(w, w2 + net.units * lanes)
    for r in range(0, net.rows, 2):
        z = unit_sums((a, (r * lanes, (r + 1) * lanes), line), (w, w2), net.units, net.together)
        store(net.z, r * lanes, z[0] + b)
        store(net.z, (r + 1) * lanes, z[1] + b)


@inline
def _measure_as(which: int, net: Abreast, loss: Measure) -> Any:
    """The loss; the gradient of the logits goes to `dz2`."""
    z, dz, lanes, number = net.z, net.dz2, width(net.z), loss.numbers[0]
    if which == kind.BINARY_CROSS_ENTROPY:
        for r in range(net.rows):
            store(dz, r * lanes, exp_of_size(load(z, r * lanes)))
    for r in range(net.rows):
        value, slope = of_output(which, load(z, r * lanes), every(z, get(net.y, r)), number, load(dz, r * lanes))
        store(z, r * lanes, value)
        store(dz, r * lanes, every(z, get(net.share, r)) * slope)
    return lane_sums(z, (net.share,), net.rows)


@inline
def _measure(net: Abreast, loss: Measure) -> Any:
    """The same, written out for the two that are met most."""
    if loss.kind == kind.MSE:
        return _measure_as(kind.MSE, net, loss)
    if loss.kind == kind.BINARY_CROSS_ENTROPY:
        return _measure_as(kind.BINARY_CROSS_ENTROPY, net, loss)
    return _measure_as(loss.kind, net, loss)


@inline
def _gradients(which: int, net: Abreast, dz2: Any, w2: Any, a: Any) -> Any:
    """The gradient w2 dz2 f'(z) of a unit, f' from a = f(z); without w2 where its sums are multiplied by it."""
    slope = dz2 if takes_active_rows(which, net.num_in) else dz2 * w2
    return where(a <= 0.0, 0.0, slope) if which == kind.RELU else slope * (1.0 - a * a)


@inline
def _backward_unit(which: int, net: Abreast, w: Any, g: Any, h: int, turns: Any) -> None:
    """The sums over the rows for one unit: of two inputs, then of four at a time, with its gradient in `dz`."""
    n, lanes, values, is_active = net.num_in, width(g), (net.dz, 0), takes_active_rows(which, net.num_in)
    start, at, w2 = h * net.rows * lanes, h * (n + 1) * lanes, net.num_hidden * (n + 1) * lanes
    weight, one = load(w, w2 + h * lanes), every(g, 1.0)
    within, factor = (one, weight) if is_active else (weight, one)
    first = net.dz2, net.a, start, within, which
    sums = row_products(first, (net.x, (0, min(1, n - 1)), n), values, net.rows, turns)
    store(g, at + n * lanes, factor * sums[0] if net.has_hidden_bias else every(g, 0.0))
    store(g, at, factor * sums[2])
    store(g, at + min(1, n - 1) * lanes, factor * sums[3])
    of_output = sums[1]
    if is_active:
        of_output = add_product(load(w, at + n * lanes) * sums[0], load(w, at), sums[2])
        of_output = add_product(of_output, load(w, at + lanes), sums[3])
    if n > 2:
        for r in range(0, net.rows * lanes, lanes):
            store(net.dz, r, _gradients(which, net, load(net.dz2, r), weight, load(net.a, start + r)))
    for i in range(2, n, FOUR):
        columns = min(i, n - 1), min(i + 1, n - 1), min(i + 2, n - 1), min(i + 3, n - 1)
        more = row_products((), (net.x, columns, n), values, net.rows, turns)
        for k in range(FOUR):
            store(g, at + columns[k] * lanes, factor * more[k])
            if is_active and i + k < n:
                of_output = add_product(of_output, load(w, at + (i + k) * lanes), more[k])
    store(g, w2 + h * lanes, of_output)


@inline
def _backward_as(which: int, net: Abreast, w: Any, g: Any) -> None:
    """The chain rule, unit by unit: what one needs is near the processor until its sums are done."""
    lanes, w2 = width(w), net.num_hidden * (net.num_in + 1) * width(w)
    for h in range(net.num_hidden):
        turns = get(net.turns, h)
        if turns == len(IN_FOUR):
            _backward_unit(which, net, w, g, h, IN_FOUR)
        elif turns == len(IN_TWO):
            _backward_unit(which, net, w, g, h, IN_TWO)
        elif turns == len(IN_ONE):
            _backward_unit(which, net, w, g, h, IN_ONE)
        elif which == kind.RELU:
            _backward_unit(which, net, w, g, h, IN_GROUPS)
    store(g, w2 + net.units * lanes, lane_sums(net.dz2, (), net.rows) if net.has_bias else every(g, 0.0))


@inline
def _backward(net: Abreast, w: Any, g: Any) -> None:
    """The same, written out for each of the two activations."""
    if net.which == kind.RELU:
        _backward_as(kind.RELU, net, w, g)
    else:
        _backward_as(kind.TANH, net, w, g)


def train_abreast(net: Abreast, loss: Measure, rule: Rule, courses: Courses, numbers: tuple[Any, Any, Any]) -> None:
    """The steps of all networks, whose weights, gradients and memory of the rule are `numbers`: each is the five."""
    w, g, memory = numbers
    lanes = width(w)
    powers = powers_at(rule, courses.done)
    for s in range(courses.rates.shape[0]):
        # 1  predict
        _forward(net, w)

        # 2  measure
        store(courses.losses, s * lanes, _measure(net, loss))

        # 3  forget the last gradient: the new one is put in its place
        # 4  find the new one
        _backward(net, w, g)

        # 5  step downhill
        clip(g, rule)
        number = courses.done + s + 1
        powers = powers_after(rule, powers, number)
        update(rule, w, g, memory, load(courses.rates, s * lanes), corrections(rule, number, powers))
