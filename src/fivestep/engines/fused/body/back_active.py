"""The backward pass through relu with one output and few inputs: no gradient of a hidden unit is made.

Unit u has the gradient w2[u] dz2 in the rows where it is active, and 0 in the others. With M_i the sum of x_i dz2 over
the rows where it is active, and M_b that of dz2, the gradients of its weights and of its bias are w2[u] M_i and
w2[u] M_b, and that of w2[u], the sum of dz2 (b1[u] + sum_i w1[i, u] x_i) over these rows, is
b1[u] M_b + sum_i w1[i, u] M_i.

Each row is added to those sums under a mask, or, with the registers of AVX-512 and units of float32, four rows are
looked up (Arlazarov, Dinic, Kronrod and Faradzhev 1970, "the four Russians"): they have sixteen subsets, as many as a
register has lanes, so the sums of x_i dz2 over each subset are one register, made once for all units, out of which each
unit takes that of the rows where it is active, as `forward_active.py` has kept them. For an input and two registers of
units that is eight operations, as many as under masks, but only four of them are products: the others go to other parts
of the processor.
"""

from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .back import Emitter
from .forward_active import GROUP, looks_up, whole_of
from .lanes import CONTRACT, chosen
from .units import plus, with_product

_LOOK_UP = "llvm.x86.avx512.permvar.sf.512"


@intrinsic
def back_where_active(typing: Any, beside: Any, back: Any, inputs: Any, units: Any) -> Any:
    """The sums for as many inputs and registers of units as these tuples have elements: all that there are."""
    all_of_them = types.UniTuple(types.intp, 2)  # from input 0 on, of which none is done

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        this = Emitter(context, builder, sig.args, [*args, context.get_constant_null(all_of_them)])
        if looks_up(this.lanes.count // len(beside)):
            lines = this.summed(1 + this.num_inputs, lambda q, sums: _four_rows(this, q, sums), 1, GROUP)
        else:
            lines = this.summed(1 + this.num_inputs, lambda q, sums: _row(this, q, sums), 2 // this.num_units)
        w2 = _weights(this, this.place("w2"))
        times_w2 = [[builder.fmul(m, w) for m, w in zip(line, w2, strict=True)] for line in lines]
        this.put_biases(times_w2[0])
        this.put(this.values["output"], _of_output(this, lines))
        this.put_inputs(times_w2[1:])
        return context.get_dummy_value()

    return types.void(beside, back, inputs, units), emit


def _row(this: Emitter, q: Any, sums: Sequence[Any]) -> list[Any]:
    """The sums with register q of rows, for the units that are active in them."""
    builder, units = this.builder, this.units()
    dz2, are_active = this.spread("dz", this.place("dz2", q, len(this.beside))), [_is_active(this, q, v) for v in units]
    factors = [number for number in this.inputs(q) for _ in units]
    then = plus(builder, sums[: len(units)], [dz2] * len(units))
    then += [with_product(builder, s, n, dz2) for n, s in zip(factors, sums[len(units) :], strict=True)]
    return [builder.select(are_active[k % len(units)], then[k], sums[k]) for k in range(len(sums))]


def _four_rows(this: Emitter, q: Any, sums: Sequence[Any]) -> list[Any]:
    """The sums with what each unit looks up of rows q to q + 3. Lane k of a table is for the rows of the bits of k.

    The last bit is that of the last row.
    """
    builder, rows = this.builder, [this.builder.add(q, q.type(k)) for k in range(GROUP)]
    group, gradients = builder.sdiv(q, q.type(GROUP)), [_in_subsets(this, rows, k) for k in range(GROUP)]
    kept = [this.load("a", this.place("unit", group, this.values["line"], v)) for v in this.units()]
    which = [builder.bitcast(one, whole_of(one.type)) for one in kept]
    then, table = list[Any](), gradients[0]
    for one in gradients[1:]:
        table = builder.fadd(table, one, flags=CONTRACT)
    for numbers in [None, *zip(*(this.inputs(row) for row in rows), strict=True)]:
        if numbers is not None:
            table = builder.fmul(gradients[0], numbers[0], flags=CONTRACT)
            for gradient, number in zip(gradients[1:], numbers[1:], strict=True):
                table = with_product(builder, table, gradient, number)
        found = [_looked_up(builder, table, one) for one in which]
        then += plus(builder, sums[len(then) : len(then) + len(which)], found)
    return then


def _is_active(this: Emitter, q: Any, v: int) -> Any:
    """Which units of a register, from number v on, are active in the rows of register q; NaN counts, as in torch."""
    a = this.load("a", this.place("unit", q, this.values["line"], v))
    return this.builder.fcmp_unordered(">", a, _every(a.type, 0.0))


def _in_subsets(this: Emitter, rows: Sequence[Any], k: int) -> Any:
    """The gradient dz2 of row k of four in the lanes of the subsets that have this row, 0 in the others."""
    dz2 = this.spread("dz", this.place("dz2", rows[k]))
    has = [lane >> (GROUP - 1 - k) & 1 for lane in range(this.lanes.count)]
    has = ir.Constant(ir.VectorType(ir.IntType(1), this.lanes.count), has)
    return this.builder.select(has, dz2, _every(dz2.type, 0.0))


def _looked_up(builder: Any, table: Any, which: Any) -> Any:
    """table[which], lane by lane."""
    kind = ir.FunctionType(table.type, [table.type, which.type])
    function = builder.module.globals.get(_LOOK_UP) or ir.Function(builder.module, kind, _LOOK_UP)
    return builder.call(function, [table, which])


def _weights(this: Emitter, place: Any) -> list[Any]:
    """A line of weights from w[place] on, one for each unit of a row."""
    found = [this.load("w", this.builder.add(place, place.type(v))) for v in this.units()]
    rows = len(this.beside)
    return [chosen(this.builder, one, range(0, this.lanes.count, rows)) if rows > 1 else one for one in found]


def _of_output(this: Emitter, lines: Sequence[Sequence[Any]]) -> list[Any]:
    """The gradient of the output's weights, b1 M_b + sum_i w1[i] M_i, in this order."""
    builder, line, first = this.builder, this.values["line"], this.values["unit"]
    of_bias, *of_inputs = lines
    bias = builder.add(first, builder.mul(line, line.type(len(of_inputs))))
    sums = [builder.fmul(w, m) for w, m in zip(_weights(this, bias), of_bias, strict=True)]
    for i, of_input in enumerate(of_inputs):
        weights = _weights(this, builder.add(first, builder.mul(line, line.type(i))))
        triples = zip(sums, weights, of_input, strict=True)
        sums = [with_product(builder, before, w, m) for before, w, m in triples]
    return sums


def _every(kind: Any, number: float) -> Any:
    return ir.Constant(kind, [number] * kind.count)
