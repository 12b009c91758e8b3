"""The way forward to where `back_active.py` looks up sums: of hidden units, only where they are active is kept.

The next layer's one output takes a unit from the register in which it was made, so what is stored of four rows is one
register: in the last four bits of each lane, in which of them that unit is active. On a Zen 4 the store of a register
takes as long as two products of one, and to compare two of them in the backward pass takes the place of a product.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .fours import four_of, join, load_four
from .lanes import EIGHT, FOUR, chosen, every, get, inline, lanes_of, load, store, where, width
from .target import registers
from .units import four_halved, spread_sums, store_at

GROUP = 4
"""Rows that are looked up together."""


def looks_up(num_units: int) -> bool:
    """Whether registers that hold so many units of a row look up sums: those of AVX-512, of float32, of one row."""
    return registers().size == 64 and num_units == 2**GROUP


@intrinsic
def keeps_active(typing: Any, beside: Any, array: Any) -> Any:
    """The same for numbers of an array, known when it is compiled."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return context.get_constant(types.boolean, looks_up(lanes_of(array.dtype).count // len(beside)))

    return types.boolean(beside, array), emit


@inline
def forward_active(hidden: Any, x: Any, memory: Any, num_rows: int, to: int) -> None:
    """The logits, to values[to]; before them, group by group of four rows, where units are active.

    Registers are finished one turn after their products: what waits for the last product would stand in the
    processor's queue before the first ones of the next turn (benchmarks/small_networks.py).
    """
    w, values, lanes, line = memory.w, memory.values, width(memory.w), hidden.num_hidden
    if line % (2 * lanes) == 0:
        _by_two(hidden, x, memory, num_rows)
    else:
        _by_one(hidden, x, memory, num_rows)
    bias = get(w, (hidden.num_in + 2) * line)
    for r in range(0, num_rows, lanes):
        store(values, to + r, four_halved(load_four(memory.gradients, r * FOUR), FOUR) + bias)


@inline
def _by_two(hidden: Any, x: Any, memory: Any, num_rows: int) -> None:
    """Two registers of units, of four rows, in each turn. What is to be added up of the logits goes to `gradients`."""
    w, n, line, lanes, beside = memory.w, hidden.num_in, hidden.num_hidden, width(memory.w), hidden.beside
    step, end, none = 2 * lanes, -(-num_rows // GROUP) * line, _in_four(every(w, 0.0))
    one, other, sums, q, v, last, done = none, none, none, 0, 0, 0, 0
    for turn in range(0, end + step, step):
        one_before, other_before = one, other
        if turn < end:
            first = load(w, n * line + v), load(w, n * line + v + lanes)
            z = spread_sums(beside, (x, four_of(hidden.where, q), 1), (w, (v, v + lanes), line, first), n, 1)
            one, other = join(z, 0), join(z, 4)
        if turn > 0:
            w2, there = (n + 1) * line + last, turn - step
            sums = _with_units(sums, one_before, load(w, w2), memory.values, there)
            sums = _with_units(sums, other_before, load(w, w2 + lanes), memory.values, there + lanes)
            if last + step == line:
                store(memory.gradients, done, four_halved(sums, 16))
                sums, done = none, done + lanes
        last, v = v, v + step
        if v == line:
            q, v = q + GROUP, 0


@inline
def _by_one(hidden: Any, x: Any, memory: Any, num_rows: int) -> None:
    """The same for an odd number of registers: one of them, of eight rows, in each turn."""
    w, n, line, lanes, beside = memory.w, hidden.num_in, hidden.num_hidden, width(memory.w), hidden.beside
    end, none = -(-num_rows // EIGHT) * line, _in_four(every(w, 0.0))
    one, other, sums, more, q, v, last, done = none, none, none, none, 0, 0, 0, 0
    for turn in range(0, end + lanes, lanes):
        one_before, other_before = one, other
        if turn < end:
            first, rows = (load(w, n * line + v),), four_of(hidden.where, q) + four_of(hidden.where, q + FOUR)
            z = spread_sums(beside, (x, rows, 1), (w, (v,), line, first), n, 1)
            one, other = join(z, 0), join(z, 4)
        if turn > 0:
            w2, there = load(w, (n + 1) * line + last), done // lanes * line + last
            sums = _with_units(sums, one_before, w2, memory.values, there)
            more = _with_units(more, other_before, w2, memory.values, there + line)
            if last + lanes == line:
                store(memory.gradients, done, four_halved(sums, 16))
                store(memory.gradients, done + lanes, four_halved(more, 16))
                sums, more, done = none, none, done + 2 * lanes
        last, v = v, v + lanes
        if v == line:
            q, v = q + EIGHT, 0


@inline
def _in_four(register: Any) -> Any:
    """The same register four times."""
    return join((register, register, register, register), 0)


@inline
def _with_units(sums: Any, z: Any, w2: Any, values: Any, place: int) -> Any:
    """What a register of units adds to the logits of four rows; where they are active goes to values[place]."""
    a = where(z < 0.0, 0.0, z)
    _put_active(values, place, a)
    return sums + a * _in_four(w2)


@intrinsic
def _put_active(typing: Any, array: Any, index: Any, value: Any) -> Any:
    """Stores in which of four rows units are more than 0: the last four bits of a lane, that of the last row last."""
    one = lanes_of(array.dtype)

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        less = builder.fsub(ir.Constant(args[2].type, [0.0] * value.count), args[2])  # below 0 where the unit is above
        signs, whole = builder.bitcast(less, whole_of(less.type)), whole_of(context.get_value_type(one))
        kind, by_one = ir.FunctionType(whole, [whole] * 3), ir.Constant(whole, [1] * one.count)
        shifted = builder.module.declare_intrinsic(f"llvm.fshl.v{one.count}i{whole.element.width}", fnty=kind)
        bits = ir.Constant(whole, [0] * one.count)
        for start in range(0, value.count, one.count):
            bits = builder.call(shifted, [bits, chosen(builder, signs, range(start, start + one.count)), by_one])
        store_at(context, builder, array, args[0], args[1], builder.bitcast(bits, context.get_value_type(one)))
        return context.get_dummy_value()

    return types.void(array, types.intp, value), emit


def whole_of(vector: Any) -> Any:
    """The type of the same register, of whole numbers."""
    return ir.VectorType(ir.IntType(32 if vector.element == ir.FloatType() else 64), vector.count)
