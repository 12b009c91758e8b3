"""Branches and joins, and learned factors of units: `layers/residual.py`, `gated.py`, `parametric.py` and `scale.py`.

A branch passes on a copy of its input, so that the operations behind it may overwrite the copy. The input itself is one
of the two sides of a join: their sum, a mixture by a learned weight, or their product.
"""

from typing import Any, NamedTuple

from . import kinds as kind
from .lanes import apart, every, get, load, put, store, total, width


class Joined(NamedTuple):
    """A join: its kind, its units, the place of its weight, and where its two sides and its result begin."""

    kind: int
    units: int
    weight: int
    side: int
    here: int
    there: int


@apart
def copy_branch(values: Any, here: int, there: int, count: int) -> None:
    """Copies the input of a branch."""
    for r in range(0, count, width(values)):
        store(values, there + r, load(values, here + r))


@apart
def add_branch_gradient(gradients: Any, here: int, there: int, count: int) -> None:
    """Adds the gradient of the copy to that of the input."""
    for r in range(0, count, width(gradients)):
        store(gradients, here + r, load(gradients, here + r) + load(gradients, there + r))


@apart
def join(of: Joined, w: Any, values: Any, rows: int) -> None:
    """The sum x + f, the mixture x + g (f - x), the product x f, or, where there is no other side, g f."""
    for o in range(of.units):
        weight = get(w, of.weight + o) if of.weight >= 0 else values.dtype.type(1)
        for r in range(o * rows, (o + 1) * rows, width(values)):
            f, x = load(values, of.here + r), load(values, of.side + r)
            if of.kind == kind.TIMES:
                y = x * f
            elif of.kind == kind.MIX:
                y = x + weight * (f - x)
            elif of.kind == kind.JOIN:
                y = x + f
            else:
                y = weight * f
            store(values, of.there + r, y)


@apart
def join_gradient(of: Joined, memory: Any, rows: int, later: bool) -> None:
    """The gradient of both sides, and that of the weight, which is added to what is there if `later`."""
    values, gradients, g = memory.values, memory.gradients, memory.g
    for o in range(of.units):
        weight = get(memory.w, of.weight + o) if of.weight >= 0 else values.dtype.type(1)
        of_weight = every(g, 0.0)
        for r in range(o * rows, (o + 1) * rows, width(values)):
            dy, f, x = load(gradients, of.there + r), load(values, of.here + r), load(values, of.side + r)
            if of.kind == kind.TIMES:
                store(gradients, of.side + r, dy * f)
                store(gradients, of.here + r, dy * x)
            elif of.kind == kind.MIX:
                of_weight = of_weight + dy * (f - x)
                store(gradients, of.side + r, dy - weight * dy)
                store(gradients, of.here + r, weight * dy)
            elif of.kind == kind.JOIN:
                store(gradients, of.side + r, dy)
                store(gradients, of.here + r, dy)
            else:
                of_weight = of_weight + dy * f
                store(gradients, of.here + r, weight * dy)
        if of.weight >= 0:
            put(g, of.weight + o, total(of_weight) + (get(g, of.weight + o) if later else g.dtype.type(0)))
