"""The pass and its gradient for a network with one hidden layer of relu or tanh: units in a register, not rows.

They are units of one row, which is read where it lies, or of two rows side by side where those of one would leave half
a register idle. The parameters lie in an order of their own: a line of hidden units for each input, one for their
biases, one for each output, and the outputs' biases at the end. A line is filled up to half a register by units whose
weights are 0 and stay so, because relu and tanh make 0 of 0.
"""

from typing import Any, NamedTuple

from . import kinds as kind
from .back import (
    FOUR_INPUTS,
    ONE_INPUT,
    SIX_INPUTS,
    TEN_INPUTS,
    TWO_INPUTS,
    Back,
    back_through_relu,
    back_through_tanh,
    back_to_more,
)
from .back_active import back_where_active
from .elementwise import tanh
from .forward_active import GROUP, forward_active, keeps_active
from .fours import four, four_of, join, store_each
from .lanes import EIGHT, FOUR, apart, every, get, inline, load, put, store, total, where, width
from .order import row_at
from .units import load_pair, load_twice, put_sums, row_sums, spread_sums

ROWS = 16
"""Rows come in multiples of this, a register of logits in float32, of which the last ones may be idle."""


class Hidden(NamedTuple):
    """The network: its activation, its widths, that of the hidden layer with what fills it up.

    `num_units` are the numbers that the buffers take for a row; `has_bias` is about the outputs. `beside` has an
    element for each row of a register. The rows of register q begin at `where[q]`: in the rows of the step, or, of two,
    in `tile`, which takes their inputs side by side, as `wide` takes every weight twice. `zeros` fill two registers.
    """

    which: int
    num_in: int
    num_hidden: int
    num_out: int
    num_units: int
    has_hidden_bias: bool
    has_bias: bool
    rows_at_once: int
    keeps_inputs: bool
    beside: Any
    where: Any
    tile: Any
    wide: Any
    zeros: Any


@inline
def _eight(start: int, step: int) -> Any:
    return (
        start,
        start + step,
        start + 2 * step,
        start + 3 * step,
        start + 4 * step,
        start + 5 * step,
        start + 6 * step,
        start + 7 * step,
    )


@inline
def _gathers(hidden: Hidden) -> bool:
    """Whether rows are copied, side by side; else they are read where they lie."""
    return len(hidden.beside) == 2


def fill_hidden(hidden: Hidden, steps: Any, _memory: Any, rows: Any, filled: int) -> None:
    """Looks up where the rows of a tile lie; those of two rows in a register are copied, side by side."""
    if _gathers(hidden):
        _copy_pairs(hidden, steps, rows, filled)
        return
    n, where, (start, num_rows, _) = hidden.num_in, hidden.where, rows
    for r in range(num_rows):
        put(where, r, row_at(steps.order.rows, start + r) * n)
    for r in range(num_rows, -(-num_rows // EIGHT) * EIGHT):  # those beyond weigh nothing
        put(where, r, get(where, 0))


@inline
def _copy_pairs(hidden: Hidden, steps: Any, rows: Any, filled: int) -> None:
    """Copies the inputs of a tile of rows, two rows side by side; zeros beyond, where `filled` rows were."""
    n, tile, half, (start, num_rows, _) = hidden.num_in, hidden.tile, width(hidden.tile) // 2, rows
    for r in range(0, num_rows, 2):
        one = row_at(steps.order.rows, start + r) * n
        other, to = row_at(steps.order.rows, start + min(r + 1, num_rows - 1)) * n, r * n
        if n < half:
            for i in range(n):
                put(tile, to + 2 * i, get(steps.x, one + i))
                put(tile, to + 2 * i + 1, get(steps.x, other + i))
        else:
            for k in range(0, n, half):
                i = min(k, n - half)
                store(tile, to + 2 * i, load_pair(steps.x, one + i, other + i))
    for r in range(num_rows, max(filled, num_rows + num_rows % 2)):
        to = r // 2 * 2 * n + r % 2
        for i in range(n):
            put(tile, to + 2 * i, 0.0)


@inline
def widen(hidden: Hidden, w: Any) -> None:
    """Every weight twice, for the two rows of a register."""
    for j in range(0, (hidden.num_in + 1 + hidden.num_out) * hidden.num_hidden, width(w) // 2):
        store(hidden.wide, 2 * j, load_twice(w, j))


@inline
def _registers(hidden: Hidden, num_rows: int, multiple: int) -> int:
    """How many registers so many rows take for some of their units, in multiples; those beyond weigh nothing."""
    return -(-num_rows // (len(hidden.beside) * multiple)) * multiple


@inline
def logits_place(hidden: Hidden, rows: int) -> int:
    """Where the logits lie, and in `gradients` their gradient: behind the hidden units."""
    return hidden.num_hidden * rows


@inline
def activated(which: int, z: Any) -> Any:
    """The hidden layer's activation."""
    return where(z < 0.0, 0.0, z) if which == kind.RELU else tanh(z)


@inline
def _put_activated(hidden: Hidden, values: Any, a: int, b: int, z: Any) -> None:
    """Eight registers of hidden units activated, for four registers' rows from each of two places."""
    line = len(hidden.beside) * hidden.num_hidden
    store_each(values, four(a, line), activated(hidden.which, join(z, 0)))
    store_each(values, four(b, line), activated(hidden.which, join(z, 4)))


def forward_hidden(hidden: Hidden, steps: Any, memory: Any, tile: Any, _before: int) -> Any:
    """z1 = W1 x + b1, a = f(z1), logits = W2 a + b2; returns where the logits lie."""
    if _gathers(hidden):
        widen(hidden, memory.w)
    x, w = hidden.tile if _gathers(hidden) else steps.x, hidden.wide if _gathers(hidden) else memory.w
    values, where, beside = memory.values, hidden.where, hidden.beside
    if keeps_active(beside, values) and hidden.num_out == 1 and takes_active_rows(hidden.which, hidden.num_in):
        forward_active(hidden, x, memory, tile.num_rows, logits_place(hidden, tile.rows))
        return logits_place(hidden, tile.rows)
    n, r, lanes, line = hidden.num_in, len(beside), width(values), len(beside) * hidden.num_hidden
    bias, v = n * line, 0
    while v + lanes < line:  # two registers of units for four registers' rows, then one for eight
        first = load(w, bias + v), load(w, bias + v + lanes)
        for q in range(0, _registers(hidden, tile.num_rows, FOUR), FOUR):
            z = spread_sums(beside, (x, four_of(where, q), r), (w, (v, v + lanes), line, first), n, 1)
            _put_activated(hidden, values, q * line + v, q * line + v + lanes, z)
        v += 2 * lanes
    if v < line:
        start = (load(w, bias + v),)
        for q in range(0, _registers(hidden, tile.num_rows, EIGHT), EIGHT):
            z = spread_sums(beside, (x, four_of(where, q) + four_of(where, q + 4), r), (w, (v,), line, start), n, 1)
            _put_activated(hidden, values, q * line + v, (q + 4) * line + v, z)
    for o in range(hidden.num_out):
        to, b = logits_place(hidden, tile.rows) + o * tile.rows, (n + 1 + hidden.num_out) * hidden.num_hidden + o
        for k in range(0, tile.num_rows, lanes):
            z = row_sums(beside, (values, k * hidden.num_hidden, line), (w, (n + 1 + o) * line), line // lanes)
            store(values, to + k, z + every(values, get(memory.w, b)))
    return logits_place(hidden, tile.rows)


def backward_hidden(hidden: Hidden, steps: Any, memory: Any, tile: Any, later: bool) -> None:
    """dz1 = W2^T dz2 f'(z1), dW = dz^T a, db = the sum of dz, for both layers."""
    lanes, line = width(memory.w), len(hidden.beside) * hidden.num_hidden
    x, w = hidden.tile if _gathers(hidden) else steps.x, hidden.wide if _gathers(hidden) else memory.w
    if hidden.num_out > 1:
        _add_others(hidden, memory, tile, line)
    for v in range(0, line - lanes, 2 * lanes):  # a count from 0 on by hand would be compiled for 0 and for all others
        _back(hidden, (v, v + lanes), (x, w), memory, tile, later)
    if line % (2 * lanes) > 0:
        _back(hidden, (line - lanes,), (x, w), memory, tile, later)
    _backward_outputs(hidden, memory, tile, later)


@inline
def _add_others(hidden: Hidden, memory: Any, tile: Any, line: int) -> None:
    """What all outputs but the first add to the gradients of the hidden units."""
    dz, beside, lanes, r = memory.gradients, hidden.beside, width(memory.w), len(hidden.beside)
    w = hidden.wide if _gathers(hidden) else memory.w
    there, w2 = logits_place(hidden, tile.rows) + tile.rows, (hidden.num_in + 2) * line
    for v in range(0, line, lanes):
        for q in range(0, _registers(hidden, tile.num_rows, EIGHT), EIGHT):
            of_rows = (dz, _eight(there + r * q, r), tile.rows)
            da = spread_sums(beside, of_rows, (w, (w2 + v,), line, ()), hidden.num_out - 1, 1)
            store_each(dz, four(q * line + v, line), join(da, 0))
            store_each(dz, four((q + 4) * line + v, line), join(da, 4))


@apart
def _back(hidden: Hidden, units: Any, arrays: Any, memory: Any, tile: Any, later: bool) -> None:
    """The gradient of the first layer for some units, and of the first output's weights for them."""
    (x, w), v, n, beside, is_one = arrays, units[0], hidden.num_in, hidden.beside, hidden.num_out == 1
    line, unit, g, dz = len(beside) * hidden.num_hidden, v // len(beside), memory.g, memory.gradients
    others, others_at, others_step = (hidden.zeros, 0, 0) if is_one else (dz, v, line)
    bias = n * hidden.num_hidden + unit if hidden.has_hidden_bias else -1
    there, num_registers = logits_place(hidden, tile.rows), _registers(hidden, tile.num_rows, GROUP)
    back = Back(
        x=x,
        where=hidden.where,
        a=memory.values,
        dz=dz,
        unit=v,
        line=line,
        w=w,
        w2=(n + 1) * line + v,
        dz2=there,
        others=others,
        others_at=others_at,
        others_step=others_step,
        g=g,
        to=unit,
        step=hidden.num_hidden,
        bias=bias,
        output=(n + 1) * hidden.num_hidden + unit,
        later=later,
        num_registers=num_registers,
    )
    _pass_back(hidden, back, units)


@inline
def takes_active_rows(which: int, num_in: int) -> bool:
    """Whether, beside one output, `back_active.py` goes back: of relu, where one pass takes all inputs."""
    return bool(which == kind.RELU and num_in in (2, 4, 10))


@inline
def _pass_back(hidden: Hidden, back: Any, units: Any) -> None:
    """One pass or several, each for as many inputs as are left, up to six."""
    which, beside, n = hidden.which, hidden.beside, hidden.num_in
    if hidden.num_out == 1 and takes_active_rows(which, n):
        if n == len(TWO_INPUTS):
            back_where_active(beside, back, TWO_INPUTS, units)
        elif n == len(FOUR_INPUTS):
            back_where_active(beside, back, FOUR_INPUTS, units)
        else:
            back_where_active(beside, back, TEN_INPUTS, units)
        return
    if n >= len(SIX_INPUTS):
        _first_pass(which, beside, back, SIX_INPUTS, units)
        i = len(SIX_INPUTS)
    elif n >= len(TWO_INPUTS):
        _first_pass(which, beside, back, TWO_INPUTS, units)
        i = len(TWO_INPUTS)
    else:
        _first_pass(which, beside, back, ONE_INPUT, units)
        i = len(ONE_INPUT)
    while i < n:  # a pass that would reach beyond the end of a row begins earlier, and does some once more
        if n - i > len(FOUR_INPUTS):
            at = min(i, n - len(SIX_INPUTS))
            back_to_more(beside, back, SIX_INPUTS, units, (at, i - at))
            i = at + len(SIX_INPUTS)
        elif n - i > len(TWO_INPUTS):
            at = min(i, n - len(FOUR_INPUTS))
            back_to_more(beside, back, FOUR_INPUTS, units, (at, i - at))
            i = at + len(FOUR_INPUTS)
        else:
            at = min(i, n - len(TWO_INPUTS))
            back_to_more(beside, back, TWO_INPUTS, units, (at, i - at))
            i = at + len(TWO_INPUTS)


@inline
def _first_pass(which: int, beside: Any, back: Any, inputs: Any, units: Any) -> None:
    if which == kind.RELU:
        back_through_relu(beside, back, inputs, units, (0, 0))
    else:
        back_through_tanh(beside, back, inputs, units, (0, 0))


@inline
def _backward_outputs(hidden: Hidden, memory: Any, tile: Any, later: bool) -> None:
    """The gradient of the second layer's weights, but for the first output's, and of its biases."""
    values, dz, g, beside, lanes = memory.values, memory.gradients, memory.g, hidden.beside, width(memory.g)
    r, line, count = len(beside), len(beside) * hidden.num_hidden, _registers(hidden, tile.num_rows, EIGHT)
    for o in range(hidden.num_out):
        there, to = logits_place(hidden, tile.rows) + o * tile.rows, (hidden.num_in + 1 + o) * hidden.num_hidden
        if o > 0:
            for v in range(0, line, lanes):
                dw = spread_sums(beside, (dz, (there,), r), (values, (v,), line, ()), count, 4)
                put_sums(beside, g, to + v // r, dw[0], later)
        db, b = every(dz, 0.0), (hidden.num_in + 1 + hidden.num_out) * hidden.num_hidden + o
        for k in range(0, tile.num_rows, lanes):
            db = db + load(dz, there + k)
        number = total(db) if hidden.has_bias else total(db) * 0.0
        put(g, b, get(g, b) + number if later else number)
