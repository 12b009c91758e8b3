"""The products of a layer with few outputs, such as the last one, on matrices in torch's layout: row after row.

A library's overhead is longer than these few sums: for 256 rows through 256-10, all three products take 60 microseconds
by MKL, and a third of that by the blocks of `tiles.py`. There must be at least four rows, and whole lanes of inputs; a
block that would reach beyond the last ones begins earlier, and computes some of them twice.
"""

from typing import Any

from .fours import join, shifted, store_each
from .lanes import FOUR, get, inline, put, width
from .tiles import store_products, weighted


def narrow_forward(x: Any, w: Any, b: Any, z: Any) -> None:
    """The forward product z = x W^T + b: x (N, I), W (O, I), b (O,) or empty, z (N, O)."""
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
    """The backward products dx = dz W, dW = dz^T x and db = 1^T dz, written to `gradients` (dx, dW, db).

    dx and db may be empty. With a rate that is not 0, the weights (W, b) then take a step of -rate times dW and db.
    """
    (w, b), (dx, dw, db) = weights, gradients
    if dx.size:
        _input_gradient(dz, w, dx)
    _weight_gradient(dz, x, dw)
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
def _input_gradient(dz: Any, w: Any, dx: Any) -> None:
    num_rows, num_out = dz.shape
    num_in, lanes = w.shape[1], width(dz)
    for start in range(0, num_rows, FOUR):
        r = min(start, num_rows - FOUR)
        at, to = _four(r, num_rows - 1, num_out), _four(r, num_rows - 1, num_in)
        for i in range(0, num_in, 2 * lanes):
            q = min(i + lanes, num_in - lanes)
            sums = weighted((dz, at, 1), (w, (i, q), num_in), num_out)
            store_each(dx, shifted(to, i), join(sums, 0))
            store_each(dx, shifted(to, q), join(sums, 4))


@inline
def _weight_gradient(dz: Any, x: Any, dw: Any) -> None:
    num_rows, num_out = dz.shape
    num_in, lanes = x.shape[1], width(dz)
    for o in range(0, num_out, FOUR):
        at, to = _four(o, num_out - 1, 1), _four(o, num_out - 1, num_in)
        for i in range(0, num_in, 2 * lanes):
            q = min(i + lanes, num_in - lanes)
            sums = weighted((dz, at, num_out), (x, (i, q), num_in), num_rows)
            store_each(dw, shifted(to, i), join(sums, 0))
            store_each(dw, shifted(to, q), join(sums, 4))


@inline
def _four(first: int, last: int, step: int) -> tuple[int, int, int, int]:
    """Where four rows of a matrix begin; after the last one, the last one again."""
    return first * step, min(first + 1, last) * step, min(first + 2, last) * step, min(first + 3, last) * step
