"""The way back through a hidden layer: one pass over the rows, with all sums over them in registers.

A gradient of the hidden units is used where it is made, for the sums of the layer's weights for some inputs, of its
biases, and of the next layer's weights for the first output, whose products take the same registers. What there are
more inputs than fit, take the gradients in passes of their own.

Of relu with one output, where one pass takes all inputs, there is no gradient to make. Unit u has w2[u] dz2 in the rows
where it is active and 0 in the others, so its sums are w2[u] times sums of x dz2 over the rows where it is active: a
product under a mask.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, final

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .lanes import CONTRACT, address, chosen, lanes_of
from .tiles import load_at, loop, unpacked
from .units import added_up, plus, rows_added, spread, store_at, store_sums, with_product

ONE_INPUT, TWO_INPUTS, FOUR_INPUTS, SIX_INPUTS, TEN_INPUTS = (0,), (0,) * 2, (0,) * 4, (0,) * 6, (0,) * 10
"""So many inputs, for code that is written out for each of them."""


Slope = Callable[[Any, Any, Any], Any]
"""In a builder, the gradient of z from that of a = f(z), and a."""


class Back(NamedTuple):
    """What a pass goes over: `num_registers` of rows, and in each of them some units.

    The inputs of register q begin at x[where[q]], and these units, of a `line` of them, at a[unit + q line]. `dz` takes
    their gradients, and has those of the first output from dz[dz2] on; its weights for them begin at w[w2]. What other
    outputs have added to the gradients lies at others[others_at + q others_step]. The sums for input i go to
    g[to + i step], those of the biases to g[bias] unless that is -1, those of the first output to g[output]. They are
    added to what is there if it is `later`.
    """

    x: Any
    where: Any
    a: Any
    dz: Any
    unit: int
    line: int
    w: Any
    w2: int
    dz2: int
    others: Any
    others_at: int
    others_step: int
    g: Any
    to: int
    step: int
    bias: int
    output: int
    later: bool
    num_registers: int


@final
class _Emitter:
    """Writes a pass, for so many inputs and registers of units."""

    def __init__(self, context: Any, builder: Any, types_of: Sequence[Any], args: Sequence[Any]) -> None:
        self.context, self.builder = context, builder
        self.beside, back, inputs, units = types_of[:4]
        self.num_inputs, self.num_units, self.lanes = len(inputs), len(units), lanes_of(back[0].dtype)
        self.kinds = dict(zip(back.fields, back.types, strict=True))
        self.values = {name: builder.extract_value(args[1], k) for k, name in enumerate(back.fields)}
        self.first, self.done = unpacked(builder, args[4])

    def _load(self, name: str, index: Any) -> Any:
        return load_at(self.context, self.builder, self.kinds[name], self.values[name], index)

    def _spread(self, name: str, index: Any) -> Any:
        return spread(self.context, self.builder, self.beside, self.kinds[name], self.values[name], index)

    def _place(self, name: str, q: Any = None, step: Any = 1, more: int = 0) -> Any:
        """values[name] + q step + more."""
        place = self.values[name]
        if q is not None:
            place = self.builder.add(place, self.builder.mul(q, step if not isinstance(step, int) else q.type(step)))
        return self.builder.add(place, place.type(more))

    def _units(self) -> list[int]:
        """Where the registers of units begin, from the first one on."""
        return [v * self.lanes.count for v in range(self.num_units)]

    def _slopes(self, q: Any, slope: Slope) -> tuple[list[Any], list[Any]]:
        """The gradients dz of the units of register q, which are kept, and the products for the first output."""
        builder, line = self.builder, self.values["line"]
        dz2, dz, products = self._spread("dz", self._place("dz2", q, len(self.beside))), [], []
        for v in self._units():
            place = self._place("unit", q, line, v)
            a, w2 = self._load("a", place), self._load("w", self._place("w2", more=v))
            others = self._load("others", self._place("others_at", q, self.values["others_step"], v))
            dz.append(slope(builder, builder.fadd(others, builder.fmul(dz2, w2, flags=CONTRACT), flags=CONTRACT), a))
            products.append(builder.fmul(dz2, a, flags=CONTRACT))
        for v, value in zip(self._units(), dz, strict=True):
            place = self._place("unit", q, line, v)
            store_at(self.context, builder, self.kinds["dz"], self.values["dz"], place, value)
        return dz, products

    def row(self, q: Any, slope: Slope | None) -> list[Any]:
        """What register q of rows adds to the sums: biases and first output, if dz is made here, then the inputs."""
        builder, added = self.builder, list[Any]()
        if slope is None:
            dz = [self._load("dz", self._place("unit", q, self.values["line"], v)) for v in self._units()]
        else:
            dz, of_output = self._slopes(q, slope)
            added = dz + of_output
        for number in self._inputs(q):
            added += [builder.fmul(number, one, flags=CONTRACT) for one in dz]
        return added

    def active_row(self, q: Any, sums: Sequence[Any]) -> list[Any]:
        """The sums with what register q of rows adds of relu, where a unit is active: dz2, and dz2 times each input."""
        builder, units = self.builder, self._units()
        dz2, count = self._spread("dz", self._place("dz2", q, len(self.beside))), len(units)
        a = [self._load("a", self._place("unit", q, self.values["line"], v)) for v in units]
        are_active = [builder.fcmp_ordered(">", one, ir.Constant(one.type, [0.0] * one.type.count)) for one in a]
        products = [builder.fmul(dz2, one, flags=CONTRACT) for one in a]
        factors = [number for number in self._inputs(q) for _ in units]
        then = plus(builder, sums[: 2 * count], [dz2] * count + products)
        then += [with_product(builder, s, n, dz2) for n, s in zip(factors, sums[2 * count :], strict=True)]
        for k in range(len(sums)):
            if k // count != 1:  # the output's numbers a are 0 where a unit is not active
                then[k] = builder.select(are_active[k % count], then[k], sums[k])
        return then

    def _inputs(self, q: Any) -> list[Any]:
        """A number of each input, of the rows of register q."""
        begin = self.builder.load(address(self.context, self.builder, self.kinds["where"], self.values["where"], q))
        begin = self.builder.add(begin, self.builder.mul(self.first, self.first.type(len(self.beside))))
        step = len(self.beside)
        return [self._spread("x", self.builder.add(begin, begin.type(i * step))) for i in range(self.num_inputs)]

    def put(self, place: Any, sums: Sequence[Any], *, times_w2: bool = False) -> None:
        """Stores the sums of the units of one line of g, `times_w2` or as they are."""
        builder, rows = self.builder, len(self.beside)
        for v, value in zip(self._units(), sums, strict=True):
            one = rows_added(builder, self.beside, value)
            if times_w2:  # rounded before it is added to anything, as in abreast.py
                w2 = self._load("w", self._place("w2", more=v))
                one = builder.fmul(one, chosen(builder, w2, range(0, self.lanes.count, rows)))
            store_sums(self.context, builder, self.kinds["g"], (self.values["g"], place, one), self.values["later"])
            place = builder.add(place, place.type(self.lanes.count // rows))

    def put_where(self, condition: Any, place: Any, sums: Sequence[Any], *, times_w2: bool) -> None:
        """The same, if it is so."""
        with self.builder.if_then(condition):
            self.put(place, sums, times_w2=times_w2)


def _pass_back(slope: Slope | None, *, is_first: bool, is_active: bool = False) -> Any:
    """A pass in which dz is slope(builder, da, a), or lies there already, or, where `is_active`, is not made.

    The first one has the sums of the biases and of the first output too.
    """

    @intrinsic
    def function(typing: Any, beside: Any, back: Any, inputs: Any, units: Any, at: Any) -> Any:
        """The sums for as many inputs and registers of units as these tuples have elements.

        `at` are the first of these inputs, and how many of them are done already. Where there is one register of units
        only, two rows take turns, as a sum waits four cycles for the one before it; so there is an even number of them.
        """

        def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            this = _Emitter(context, builder, sig.args, args)
            num_units, rows = this.num_units, 2 // this.num_units
            num_sums = num_units * (this.num_inputs + 2 * is_first)

            def row(q: Any, sums: Sequence[Any]) -> list[Any]:
                if is_active:
                    return this.active_row(q, sums)
                return plus(builder, sums, this.row(q, slope))

            def body(q: Any, sums: Sequence[Any]) -> list[Any]:
                of = [sums[k * num_sums : (k + 1) * num_sums] for k in range(rows)]
                return [s for k in range(rows) for s in row(builder.add(q, q.type(k)), of[k])]

            zeros = [context.get_constant_null(this.lanes)] * (num_sums * rows)
            sums = added_up(builder, loop(builder, this.values["num_registers"], rows, zeros, body), num_sums)
            lines = [sums[k : k + num_units] for k in range(0, num_sums, num_units)]
            if is_first:
                bias = this.values["bias"]
                this.put_where(builder.icmp_signed(">=", bias, bias.type(0)), bias, lines[0], times_w2=is_active)
                this.put(this.values["output"], lines[1])
            place = builder.add(this.values["to"], builder.mul(this.first, this.values["step"]))
            for i, line in enumerate(lines[-this.num_inputs :]):
                is_new = builder.icmp_signed(">=", this.done.type(i), this.done)
                this.put_where(is_new, place, line, times_w2=is_active)
                place = builder.add(place, this.values["step"])
            return context.get_dummy_value()

        return types.void(beside, back, inputs, units, at), emit

    return function


def _through_relu(builder: Any, da: Any, a: Any) -> Any:
    """Da where a > 0, else 0."""
    zero = ir.Constant(a.type, [0.0] * a.type.count)
    return builder.select(builder.fcmp_ordered(">", a, zero), da, zero)


def _through_tanh(builder: Any, da: Any, a: Any) -> Any:
    """Da (1 - a^2)."""
    slope = builder.fsub(ir.Constant(a.type, [1.0] * a.type.count), builder.fmul(a, a, flags=CONTRACT), flags=CONTRACT)
    return builder.fmul(da, slope, flags=CONTRACT)


back_through_relu, back_through_tanh = (_pass_back(slope, is_first=True) for slope in (_through_relu, _through_tanh))
back_to_more = _pass_back(None, is_first=False)
back_where_active = _pass_back(None, is_first=True, is_active=True)
