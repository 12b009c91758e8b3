"""The products of a layer with few outputs, such as the last one: rows lie one after another, as torch has them.

A library for matrices takes longer to begin than these few sums take: of 256 rows through 256-10, all three products by
MKL take 60 microseconds, and by the blocks of `tiles.py` a third of it. There are at least four rows, and inputs in
whole lanes; a block that would reach beyond the last ones begins earlier, and does some once more.
"""

from typing import Any

from .fours import join, store_each
from .lanes import FOUR, get, inline, put, width
from .tiles import store_products, weighted


def narrow_forward(x: Any, w: Any, b: Any, z: Any) -> None:
    """The product forward, z = x W^T + b: x (N, I), W (O, I), b (O,) or empty, z (N, O)."""
    num_rows, num_in = x.shape
    num_out = len(w)
    for start in range(0, num_rows, FOUR):
        r = min(start, num_rows - FOUR)
        rows = _four(r, num_rows - 1, num_in)
        for o in range(0, num_out, FOUR):
            units = _four(o, num_out - 1, num_in)
            store_products((z, r * num_out + o, num_out, num_out - o, -1, False), (x, rows), (w, units), num_in)
    for r in range(0, num_rows * num_out if b.size else 0, num_out):
        for o in range(num_out):
            put(z, r + o, get(z, r + o) + get(b, o))


def narrow_back(dz: Any, x: Any, weights: Any, gradients: Any, rate: float) -> None:
    """Back, dx = dz W, dW = dz^T x and db = 1^T dz, into `gradients` (dx, dW, db); dx may be empty, and so may biases.

    With a rate that is not 0, dW and db are then added to the weights (W, b), times -rate.
    """
    (w, b), (dx, dw, db) = weights, gradients
    if dx.size:
        _slopes_of_inputs(dz, w, dx)
    _slopes_of_weights(dz, x, dw)
    for o in range(db.size):
        put(db, o, db.dtype.type(0))
    for r in range(len(dz)):
        for o in range(db.size):
            put(db, o, get(db, o) + get(dz, r * db.size + o))
    if rate != 0.0:
        step = w.dtype.type(-rate)
        for k in range(w.size):
            put(w, k, get(w, k) + step * get(dw, k))
        for o in range(b.size):
            put(b, o, get(b, o) + step * get(db, o))


@inline
def _slopes_of_inputs(dz: Any, w: Any, dx: Any) -> None:
    num_rows, num_out = dz.shape
    num_in, lanes = w.shape[1], width(dz)
    for start in range(0, num_rows, FOUR):
        r = min(start, num_rows - FOUR)
        at, to = _four(r, num_rows - 1, num_out), _four(r, num_rows - 1, num_in)
        for i in range(0, num_in, 2 * lanes):
            q = min(i + lanes, num_in - lanes)
            sums = weighted((dz, at, 1), (w, (i, q), num_in), num_out)
            store_each(dx, _beside(to, i), join(sums, 0))
            store_each(dx, _beside(to, q), join(sums, 4))


@inline
def _slopes_of_weights(dz: Any, x: Any, dw: Any) -> None:
    num_rows, num_out = dz.shape
    num_in, lanes = x.shape[1], width(dz)
    for o in range(0, num_out, FOUR):
        at, to = _four(o, num_out - 1, 1), _four(o, num_out - 1, num_in)
        for i in range(0, num_in, 2 * lanes):
            q = min(i + lanes, num_in - lanes)
            sums = weighted((dz, at, num_out), (x, (i, q), num_in), num_rows)
            store_each(dw, _beside(to, i), join(sums, 0))
            store_each(dw, _beside(to, q), join(sums, 4))


@inline
def _four(first: int, last: int, step: int) -> tuple[int, int, int, int]:
    """Where four rows of a matrix begin; beyond the last one, the last one again."""
    return first * step, min(first + 1, last) * step, min(first + 2, last) * step, min(first + 3, last) * step


@inline
def _beside(places: Any, i: int) -> tuple[int, int, int, int]:
    return places[0] + i, places[1] + i, places[2] + i, places[3] + i
