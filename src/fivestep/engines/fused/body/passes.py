"""The work between the products of a larger network, in one pass over memory each.

Torch multiplies the matrices (`products.py`); the rest moves memory and computes little, so each of these functions
reads a tensor once, does all there is to do with it, and writes it once. Matrices are in torch's layout, row after row.
The formulas are those of the small body: `activations.py`, `losses.py`, `rules.py`.
"""

from typing import Any, NamedTuple

from . import kinds as kind
from .activations import value_and_derivative
from .lanes import FOUR, apart, every, get, inline, load, prefetch, put, store, where, width
from .losses import Measure, measure
from .rules import Descent, corrections, descend, powers_at
from .transpose import transpose

AHEAD = 4
"""How many rows ahead of the one that is converted are prefetched. Rows are shuffled, so the processor cannot predict
the next one; without this, a batch of Fashion-MNIST takes two and a half times as long (benchmarks/larger.py)."""

LINE = 64
"""Bytes of a cache line."""


class Tile(NamedTuple):
    """Memory for `rows` rows of logits, transposed as `losses.py` needs them, with the lanes along the rows."""

    values: Any
    gradients: Any
    targets: Any
    share: Any
    rows: int


def gather(stored: Any, order: Any, scale: Any, out: Any) -> None:
    """Row r of out (N, I) = row order[r] of `stored`, converted to the type of `out`, times scale (1,)."""
    num_in, last = out.shape[1], order.size - 1
    step = LINE // stored.itemsize
    for r in range(order.size):
        here, coming = order[r] * num_in, order[min(r + AHEAD, last)] * num_in
        for i in range(0, num_in, step):
            prefetch(stored, coming + i)
        for i in range(num_in):
            put(out, r * num_in + i, out.dtype.type(get(stored, here + i)) * scale[0])


def activate(which: int, number: float, z: Any, derivatives: Any, rest: Any) -> None:
    """Replaces z by f(z) in place; f'(z) goes to `derivatives`, except for relu, where it follows from the value."""
    count = z.size
    whole = count - count % (FOUR * width(z))
    for r in range(0, whole, width(z)):
        _activate_at(which, number, z, derivatives, r, r)
    for r in range(whole, count):  # the rest, padded to whole lanes
        put(rest, r - whole, get(z, r))
    for r in range(0, FOUR * width(z), width(z)):
        _activate_at(which, number, rest, rest, r, FOUR * width(z) + r)
    for r in range(whole, count):
        put(z, r, get(rest, r - whole))
        if which != kind.RELU:
            put(derivatives, r, get(rest, FOUR * width(z) + r - whole))


@inline
def _activate_at(which: int, number: float, z: Any, derivatives: Any, here: int, there: int) -> None:
    a, derivative = value_and_derivative(which, load(z, here), number)
    store(z, here, a)
    if which != kind.RELU:
        store(derivatives, there, derivative)


def back(which: int, da: Any, derivatives: Any, db: Any, transposed: Any) -> None:
    """Overwrites da (N, O) with dz = da f'(z), and computes db (O,) = 1^T dz; `derivatives` is f'(z), or for relu f(z).

    Writes dz^T to `transposed` (O, N) as well, unless that is empty.
    """
    num_rows, num_out = da.shape
    whole = num_out - num_out % width(da)
    fours = num_rows - num_rows % FOUR  # four rows at a time: db is read and written a quarter as often
    for o in range(num_out):
        put(db, o, da.dtype.type(0))
    for r in range(0, fours * num_out, FOUR * num_out):
        for o in range(r, r + whole, width(da)):
            first = _through(which, da, derivatives, o) + _through(which, da, derivatives, o + num_out)
            second = _through(which, da, derivatives, o + 2 * num_out) + _through(
                which, da, derivatives, o + 3 * num_out
            )
            store(db, o - r, load(db, o - r) + (first + second))
    for r in range(fours * num_out, num_rows * num_out, num_out):
        for o in range(r, r + whole, width(da)):
            store(db, o - r, load(db, o - r) + _through(which, da, derivatives, o))
    for r in range(0, num_rows * num_out, num_out):  # the columns beyond the last whole lanes
        for o in range(r + whole, r + num_out):
            derivative, dz = get(derivatives, o), get(da, o)
            if which == kind.RELU:
                derivative = da.dtype.type(1) if derivative > 0 else da.dtype.type(0)
            if which != kind.IDENTITY:
                dz = dz * derivative
            put(da, o, dz)
            put(db, o - r, get(db, o - r) + dz)
    if transposed.size:
        transpose(da, transposed)


@inline
def _through(which: int, da: Any, derivatives: Any, at: int) -> Any:
    """The same for the lanes at one place; returns dz."""
    if which == kind.IDENTITY:
        return load(da, at)
    derivative = load(derivatives, at)
    dz = load(da, at) * (where(derivative > 0.0, every(da, 1.0), 0.0) if which == kind.RELU else derivative)
    store(da, at, dz)
    return dz


def measure_rows(loss: Measure, tile: Tile, logits: Any, targets: Any, share: Any, gradient: Any) -> Any:
    """The loss of logits (N, O); writes its gradient (N, O), too. Without shares (N,), all rows count alike."""
    num_rows, num_out = logits.shape
    losses = zero = logits.dtype.type(0)
    alike = logits.dtype.type(1.0 / num_rows)
    for start in range(0, num_rows, tile.rows):
        count = min(tile.rows, num_rows - start)
        rows = -(-count // width(logits)) * width(logits)
        for r in range(rows):
            for o in range(num_out):
                put(tile.values, o * rows + r, get(logits, (start + r) * num_out + o) if r < count else zero)
        lay_out_targets(tile, rows, count, (targets, share, start, alike))
        losses += measure(loss, tile, 0, num_out, rows)
        for r in range(count):
            for o in range(num_out):
                put(gradient, (start + r) * num_out + o, get(tile.gradients, o * rows + r))
    return losses


@inline
def lay_out_targets(tile: Tile, rows: int, count: int, taken: Any) -> None:
    """Copies targets and shares of `count` rows into the tile, padded with shares of 0 to `rows`.

    `taken` are the targets (N, T), the shares (N,) or an empty array, the first row, and the share of each row where
    there are no shares.
    """
    targets, share, first, alike = taken
    num_targets, zero = targets.shape[1], tile.values.dtype.type(0)
    for r in range(rows):
        for o in range(num_targets):
            put(tile.targets, o * rows + r, get(targets, (first + r) * num_targets + o) if r < count else zero)
        put(tile.share, r, (get(share, first + r) if share.size else alike) if r < count else zero)


class Remembered(NamedTuple):
    """A rule's memory: three numbers for each parameter, and the moving average; empty where there is none.

    `rest` (6, lanes) is work space for the parameters beyond the last whole lanes.
    """

    m: Any
    v: Any
    u: Any
    average: Any
    rest: Any


def update(rule: Descent, w: Any, g: Any, memory: Remembered, lr: float, step: int) -> None:
    """One step of a rule, number `step` from 1, on all parameters of a group."""
    update_range(rule, (w, g), memory, (0, w.size), (lr, corrections(rule, step, powers_at(rule, step))))


@apart
def update_range(rule: Descent, both: Any, memory: Remembered, places: Any, when: Any) -> None:
    """The same on a range of the parameters; `both` are parameters and gradient, `when` rate and corrections."""
    (w, g), (m, v, u, average, rest), (start, stop), (lr, now) = both, memory, places, when
    whole = stop - (stop - start) % width(w)
    for j in range(start, whole, width(w)):
        _update_at(rule, (w, g, m, v, u, average), j, lr, now)
    rows = rest[0], rest[1], rest[2], rest[3], rest[4], rest[5]
    for j in range(stop - whole):
        for row, array in zip(rows, (w, g, m, v, u, average)):  # noqa: B905  (numba knows no `strict`)
            put(row, j, get(array, whole + j) if array.size else w.dtype.type(0))  # not what was not finite before
    if whole < stop:
        _update_at(rule, rows, 0, lr, now)
    for j in range(stop - whole):
        for row, array in zip(rows, (w, g, m, v, u, average)):  # noqa: B905
            if array.size:
                put(array, whole + j, get(row, j))


@inline
def _update_at(rule: Descent, arrays: Any, j: int, lr: float, now: Any) -> None:
    w, g, m, v, u, average = arrays
    none, value, dw = every(w, 0.0), load(w, j), load(g, j)
    if rule.decoupled:
        value = value * (1.0 - lr * rule.decay)
    else:
        dw = dw + rule.decay * value
    known = (dw, load(m, j) if m.size else none, load(v, j) if v.size else none, load(u, j) if u.size else none)
    value, new_m, new_v, new_u = descend(rule.kind, rule, value, known, lr, now)
    store(w, j, value)
    if m.size:
        store(m, j, new_m)
    if v.size:
        store(v, j, new_v)
    if u.size:
        store(u, j, new_u)
    if average.size:
        weight = 1.0 - rule.ema if now.step > 1 else 1.0
        store(average, j, load(average, j) + weight * (value - load(average, j)))
