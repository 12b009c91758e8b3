"""The backward pass through a hidden layer: one pass over the rows, with all sums over them in registers.

The gradient of a hidden unit is used as soon as it is computed: for the layer's weights of some inputs, for its biases,
and for the next layer's weights of the first output, whose products need the same registers. Inputs beyond those that
fit read the gradients again, in passes of their own. For relu with one output and few inputs, `back_active.py` does
without these gradients.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, final

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .lanes import CONTRACT, address, lanes_of
from .tiles import load_at, loop, unpacked
from .units import added_up, plus, rows_added, spread, store_at, store_sums

ONE_INPUT, TWO_INPUTS, FOUR_INPUTS, SIX_INPUTS, TEN_INPUTS = (0,), (0,) * 2, (0,) * 4, (0,) * 6, (0,) * 10
"""Tuples whose lengths are numbers of inputs, for which code is unrolled."""

ThroughActivation = Callable[[Any, Any, Any], Any]
"""Builds the gradient of z from (builder, the gradient of a = f(z), a)."""

Added = Callable[[Any, Sequence[Any]], list[Any]]
"""Adds what one or several registers of rows contribute to the sums."""


class Back(NamedTuple):
    """What a pass reads and writes: `num_registers` registers of rows, and in each of them some units.

    The inputs of register q begin at x[where[q]], and these units, part of a `line` of all units, at a[unit + q line],
    or there, for group q of four rows, in which of these they are active. Their gradients are written to `dz`, which
    holds those of the first output from dz[dz2] on; its weights for these units begin at w[w2]. What the other outputs
    add to the gradients is at others[others_at + q others_step]. The sums for input i go to g[to + i step], those for
    the biases to g[bias] unless `bias` is -1, those for the first output to g[output]; if `later`, they are added to
    what is there.
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
class Emitter:
    """Emits the LLVM code of a pass, for a number of inputs and of registers of units."""

    def __init__(self, context: Any, builder: Any, types_of: Sequence[Any], args: Sequence[Any]) -> None:
        self.context, self.builder = context, builder
        self.beside, back, inputs, units = types_of[:4]
        self.num_inputs, self.num_units, self.lanes = len(inputs), len(units), lanes_of(back[0].dtype)
        self.kinds = dict(zip(back.fields, back.types, strict=True))
        self.values = {name: builder.extract_value(args[1], k) for k, name in enumerate(back.fields)}
        self.first, self.done = unpacked(builder, args[4])

    def load(self, name: str, index: Any) -> Any:
        return load_at(self.context, self.builder, self.kinds[name], self.values[name], index)

    def spread(self, name: str, index: Any) -> Any:
        return spread(self.context, self.builder, self.beside, self.kinds[name], self.values[name], index)

    def place(self, name: str, q: Any = None, step: Any = 1, more: int = 0) -> Any:
        """values[name] + q step + more."""
        place = self.values[name]
        if q is not None:
            place = self.builder.add(place, self.builder.mul(q, step if not isinstance(step, int) else q.type(step)))
        return self.builder.add(place, place.type(more))

    def units(self) -> list[int]:
        """The offsets of the registers of units."""
        return [v * self.lanes.count for v in range(self.num_units)]

    def _unit_gradients(self, q: Any, through: ThroughActivation) -> tuple[list[Any], list[Any]]:
        """The gradients dz of the units of register q, which are also stored, and the products for the first output."""
        builder, line = self.builder, self.values["line"]
        dz2, dz, products = self.spread("dz", self.place("dz2", q, len(self.beside))), [], []
        for v in self.units():
            place = self.place("unit", q, line, v)
            a, w2 = self.load("a", place), self.load("w", self.place("w2", more=v))
            others = self.load("others", self.place("others_at", q, self.values["others_step"], v))
            dz.append(through(builder, builder.fadd(others, builder.fmul(dz2, w2, flags=CONTRACT), flags=CONTRACT), a))
            products.append(builder.fmul(dz2, a, flags=CONTRACT))
        for v, value in zip(self.units(), dz, strict=True):
            place = self.place("unit", q, line, v)
            store_at(self.context, builder, self.kinds["dz"], self.values["dz"], place, value)
        return dz, products

    def row(self, q: Any, through: ThroughActivation | None) -> list[Any]:
        """What register q of rows adds to the sums: biases and first output, if dz is computed here, then inputs."""
        builder, added = self.builder, list[Any]()
        if through is None:
            dz = [self.load("dz", self.place("unit", q, self.values["line"], v)) for v in self.units()]
        else:
            dz, of_output = self._unit_gradients(q, through)
            added = dz + of_output
        for number in self.inputs(q):
            added += [builder.fmul(number, one, flags=CONTRACT) for one in dz]
        return added

    def inputs(self, q: Any) -> list[Any]:
        """The number of each input for the rows of register q, in all lanes."""
        begin = self.builder.load(address(self.context, self.builder, self.kinds["where"], self.values["where"], q))
        begin = self.builder.add(begin, self.builder.mul(self.first, self.first.type(len(self.beside))))
        step = len(self.beside)
        return [self.spread("x", self.builder.add(begin, begin.type(i * step))) for i in range(self.num_inputs)]

    def summed(self, num_lines: int, add: Added, num_chains: int, each: int = 1) -> list[list[Any]]:
        """Lines of sums over all rows, each a list of registers (or halves of registers) of units.

        `add(q, sums)` adds what `each` registers of rows contribute, from number q on. `num_chains` sums take turns.
        """
        builder, count = self.builder, num_lines * self.num_units

        def body(q: Any, sums: Sequence[Any]) -> list[Any]:
            parts = [sums[k * count : (k + 1) * count] for k in range(num_chains)]
            return [s for k, part in enumerate(parts) for s in add(builder.add(q, q.type(k * each)), part)]

        zeros = [self.context.get_constant_null(self.lanes)] * (count * num_chains)
        sums = added_up(builder, loop(builder, self.values["num_registers"], num_chains * each, zeros, body), count)
        of_units = [rows_added(builder, self.beside, one) for one in sums]
        return [of_units[k : k + self.num_units] for k in range(0, count, self.num_units)]

    def put(self, place: Any, sums: Sequence[Any]) -> None:
        """Stores the sums of one line of units in g."""
        for value in sums:
            into = self.values["g"], place, value
            store_sums(self.context, self.builder, self.kinds["g"], into, self.values["later"])
            place = self.builder.add(place, place.type(value.type.count))

    def put_biases(self, sums: Sequence[Any]) -> None:
        """Stores the sums for the biases, if there are any."""
        bias = self.values["bias"]
        with self.builder.if_then(self.builder.icmp_signed(">=", bias, bias.type(0))):
            self.put(bias, sums)

    def put_inputs(self, lines: Sequence[Sequence[Any]]) -> None:
        """Stores the sums for the inputs that are not done yet."""
        builder, step = self.builder, self.values["step"]
        place = builder.add(self.values["to"], builder.mul(self.first, step))
        for i, line in enumerate(lines):
            with builder.if_then(builder.icmp_signed(">=", self.done.type(i), self.done)):
                self.put(place, line)
            place = builder.add(place, step)


def _pass_back(through: ThroughActivation | None) -> Any:
    """A pass that computes dz = through(builder, da, a); without it, one that reads the dz computed before.

    The pass that computes dz also has the sums for the biases and for the first output.
    """

    @intrinsic
    def function(typing: Any, beside: Any, back: Any, inputs: Any, units: Any, at: Any) -> Any:
        """The sums for as many inputs and registers of units as these tuples have elements.

        `at` is the first of these inputs, and how many of them are done already. With only one register of units, two
        rows take turns, as an addition takes four cycles; so the number of registers of rows must be even.
        """

        def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            this = Emitter(context, builder, sig.args, args)
            num_lines = this.num_inputs + (0 if through is None else 2)
            lines = this.summed(
                num_lines, lambda q, sums: plus(builder, sums, this.row(q, through)), 2 // this.num_units
            )
            if through is not None:
                this.put_biases(lines[0])
                this.put(this.values["output"], lines[1])
            this.put_inputs(lines[-this.num_inputs :])
            return context.get_dummy_value()

        return types.void(beside, back, inputs, units, at), emit

    return function


def _through_relu(builder: Any, da: Any, a: Any) -> Any:
    """The gradient dz of relu: da where a > 0, else 0."""
    zero = ir.Constant(a.type, [0.0] * a.type.count)
    return builder.select(builder.fcmp_ordered(">", a, zero), da, zero)


def _through_tanh(builder: Any, da: Any, a: Any) -> Any:
    """The gradient dz of tanh: da (1 - a^2)."""
    derivative = builder.fsub(
        ir.Constant(a.type, [1.0] * a.type.count), builder.fmul(a, a, flags=CONTRACT), flags=CONTRACT
    )
    return builder.fmul(da, derivative, flags=CONTRACT)


back_through_relu, back_through_tanh = (_pass_back(through) for through in (_through_relu, _through_tanh))
back_to_more = _pass_back(None)
