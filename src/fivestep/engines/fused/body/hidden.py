"""The pass and its gradient for a network with one hidden layer of relu or tanh: two rows in a register.

The parameters lie in an order of their own: a line of hidden units for each input, one for their biases, which are the
weights of an input that is always 1, one for each output, and the outputs' biases at the end. A line is filled up to
half a register by units whose weights are 0 and stay so, because relu and tanh make 0 of 0.
"""

from typing import Any, NamedTuple

from . import kinds as kind
from .elementwise import tanh
from .fours import join, load_each, store_each
from .lanes import every, get, inline, load, put, store, total, where, width
from .pairs import load_pair, load_twice, put_folded, row_sums, spread_sums

ROWS = 128
"""Rows come in multiples of this, eight registers of logits, of which the last ones may be idle."""


class Hidden(NamedTuple):
    """The network: its activation, its widths, that of the hidden layer with what fills it up.

    `tile` takes the inputs of two rows side by side, with a 1 behind them, or 0 where there are no biases; `wide` takes
    every weight twice. `num_units` are the numbers that the buffers take for a row; `has_bias` is about the outputs.
    """

    which: int
    num_in: int
    num_hidden: int
    num_out: int
    num_units: int
    has_bias: bool
    rows_at_once: int
    keeps_inputs: bool
    tile: Any
    wide: Any


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
def _four(start: int, step: int) -> Any:
    return start, start + step, start + 2 * step, start + 3 * step


def fill_hidden(hidden: Hidden, steps: Any, _memory: Any, rows: Any, filled: int) -> None:
    """Copies the inputs of a tile of rows, two rows side by side; zeros beyond, where `filled` rows were."""
    n, tile, half, (start, num_rows, _) = hidden.num_in, hidden.tile, width(hidden.tile) // 2, rows
    for r in range(0, num_rows, 2):
        one, other, to = start + r, start + min(r + 1, num_rows - 1), r * (n + 1)
        if steps.order.size:
            one, other = get(steps.order, one), get(steps.order, other)
        one, other = one * n, other * n
        if n < half:
            for i in range(n):
                put(tile, to + 2 * i, get(steps.x, one + i))
                put(tile, to + 2 * i + 1, get(steps.x, other + i))
        else:
            for k in range(0, n, half):
                i = min(k, n - half)
                store(tile, to + 2 * i, load_pair(steps.x, one + i, other + i))
    for r in range(num_rows, max(filled, num_rows + num_rows % 2)):
        to = r // 2 * 2 * (n + 1) + r % 2
        for i in range(n):
            put(tile, to + 2 * i, 0.0)


@inline
def widen(hidden: Hidden, w: Any) -> None:
    """Every weight twice, for the two rows of a register."""
    for j in range(0, (hidden.num_in + 1 + hidden.num_out) * hidden.num_hidden, width(w) // 2):
        store(hidden.wide, 2 * j, load_twice(w, j))


@inline
def _pairs(num_rows: int) -> int:
    """Pairs of rows, in eights; those beyond weigh nothing and stay as they are."""
    return -(-num_rows // 16) * 8


@inline
def logits_place(hidden: Hidden, rows: int) -> int:
    """Where the logits lie, and in `slopes` their gradient: behind the hidden units."""
    return hidden.num_hidden * rows


@inline
def _activated(which: int, z: Any) -> Any:
    return where(z < 0.0, 0.0, z) if which == kind.RELU else tanh(z)


@inline
def _times_slope(which: int, da: Any, a: Any) -> Any:
    """The gradient da f'(z), with f' from a = f(z)."""
    return where(a > 0.0, da, 0.0) if which == kind.RELU else da * (1.0 - a * a)


@inline
def _put_activated(hidden: Hidden, values: Any, a: int, b: int, z: Any) -> None:
    """Eight registers of hidden units activated, for four pairs of rows from each of two places."""
    line = 2 * hidden.num_hidden
    store_each(values, _four(a, line), _activated(hidden.which, join(z, 0)))
    store_each(values, _four(b, line), _activated(hidden.which, join(z, 4)))


@inline
def _put_slopes(hidden: Hidden, memory: Any, a: int, b: int, da: Any) -> None:
    """The same for their gradient, taken through the activation."""
    line, values = 2 * hidden.num_hidden, memory.values
    one, other = _four(a, line), _four(b, line)
    store_each(memory.slopes, one, _times_slope(hidden.which, join(da, 0), load_each(values, one)))
    store_each(memory.slopes, other, _times_slope(hidden.which, join(da, 4), load_each(values, other)))


@inline
def _put_lines(hidden: Hidden, g: Any, i: int, v: int, dw: Any, later: bool) -> None:
    """The gradient of four inputs' weights, or of those that there are."""
    to, step, left = i * hidden.num_hidden + v // 2, hidden.num_hidden, hidden.num_in - i
    put_folded(g, to, dw[0], later)
    if left >= 1:
        put_folded(g, to + step, dw[1], later)
    if left >= 2:
        put_folded(g, to + 2 * step, dw[2], later)
    if left >= 3:
        put_folded(g, to + 3 * step, dw[3], later)


def forward_hidden(hidden: Hidden, _steps: Any, memory: Any, tile_of_rows: Any, _before: int) -> Any:
    """z1 = W1 x + b1, a = f(z1), logits = W2 a + b2; returns where the logits lie."""
    _, num_rows, rows = tile_of_rows
    widen(hidden, memory.w)
    values, tile, wide, n, line = memory.values, hidden.tile, hidden.wide, hidden.num_in, 2 * hidden.num_hidden
    lanes, pair, fours, v = width(values), 2 * (n + 1), -(-num_rows // 8) * 4, 0
    while v + lanes < line:  # two registers of units for four pairs of rows, then one for eight
        for q in range(0, fours, 4):
            z = spread_sums((tile, _four(q * pair, pair), 2), (wide, (v, v + lanes), line), n + 1, 1)
            _put_activated(hidden, values, q * line + v, q * line + v + lanes, z)
        v += 2 * lanes
    if v < line:
        for q in range(0, _pairs(num_rows), 8):
            z = spread_sums((tile, _eight(q * pair, pair), 2), (wide, (v,), line), n + 1, 1)
            _put_activated(hidden, values, q * line + v, (q + 4) * line + v, z)
    for o in range(hidden.num_out):
        to, b = logits_place(hidden, rows) + o * rows, (n + 1 + hidden.num_out) * hidden.num_hidden + o
        for r in range(0, 2 * _pairs(num_rows), lanes):
            z = row_sums((values, r * hidden.num_hidden, line), (wide, (n + 1 + o) * line), line // lanes)
            store(values, to + r, z + every(values, get(memory.w, b)))
    return logits_place(hidden, rows)


def backward_hidden(hidden: Hidden, memory: Any, tile_of_rows: Any, later: bool) -> None:
    """dz1 = W2^T dz2 f'(z1), dW = dz^T a, db = the sum of dz, for both layers."""
    _, num_rows, rows = tile_of_rows
    dz, wide, n, line = memory.slopes, hidden.wide, hidden.num_in, 2 * hidden.num_hidden
    lanes, pair, fours, v = width(dz), 2 * (n + 1), -(-num_rows // 8) * 4, 0
    there, w2 = logits_place(hidden, rows), (n + 1) * line
    while v + lanes < line:
        for q in range(0, fours, 4):
            of_rows = (dz, _four(there + 2 * q, 2), rows)
            da = spread_sums(of_rows, (wide, (w2 + v, w2 + v + lanes), line), hidden.num_out, 1)
            _put_slopes(hidden, memory, q * line + v, q * line + v + lanes, da)
        for i in range(0, n + 1, 4):
            at = 2 * i, 2 * min(i + 1, n), 2 * min(i + 2, n), 2 * min(i + 3, n)
            dw = spread_sums((hidden.tile, at, pair), (dz, (v, v + lanes), line), fours, 1)
            _put_lines(hidden, memory.g, i, v, dw[:4], later)
            _put_lines(hidden, memory.g, i, v + lanes, dw[4:], later)
        v += 2 * lanes
    if v < line:
        for q in range(0, _pairs(num_rows), 8):
            da = spread_sums((dz, _eight(there + 2 * q, 2), rows), (wide, (w2 + v,), line), hidden.num_out, 1)
            _put_slopes(hidden, memory, q * line + v, (q + 4) * line + v, da)
        for i in range(0, n + 1, 4):
            at = 2 * i, 2 * min(i + 1, n), 2 * min(i + 2, n), 2 * min(i + 3, n)
            dw = spread_sums((hidden.tile, at, pair), (dz, (v,), line), _pairs(num_rows), 2)
            _put_lines(hidden, memory.g, i, v, dw, later)
    _backward_outputs(hidden, memory, num_rows, rows, later)


@inline
def _backward_outputs(hidden: Hidden, memory: Any, num_rows: int, rows: int, later: bool) -> None:
    """The gradient of the second layer's weights and biases."""
    values, dz, g, line, lanes = memory.values, memory.slopes, memory.g, 2 * hidden.num_hidden, width(memory.g)
    for o in range(hidden.num_out):
        of_output, to = logits_place(hidden, rows) + o * rows, (hidden.num_in + 1 + o) * hidden.num_hidden
        for v in range(0, line, lanes):
            dw = spread_sums((dz, (of_output,), 2), (values, (v,), line), _pairs(num_rows), 4)
            put_folded(g, to + v // 2, dw[0], later)
        db, b = every(dz, 0.0), (hidden.num_in + 1 + hidden.num_out) * hidden.num_hidden + o
        for r in range(0, 2 * _pairs(num_rows), lanes):
            db = db + load(dz, of_output + r)
        number = total(db) if hidden.has_bias else total(db) * 0.0
        put(g, b, get(g, b) + number if later else number)
