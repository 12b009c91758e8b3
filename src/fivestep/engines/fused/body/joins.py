"""Where two ways meet, and where a unit has a factor of its own: `layers/residual.py`, `gated`, `parametric`, `scale`.

A branch hands on a copy of what it took, so that what comes behind it may write over the copy. What it took is one of
the two sides of a join: the sum of both, the second moved towards the first by a learnt share, or their product.
"""

from typing import Any, NamedTuple

from . import kinds as kind
from .lanes import apart, every, get, load, put, store, total, width


class Joined(NamedTuple):
    """A join: its kind, its units, where its weight lies, and where its sides and its result begin in the buffers."""

    kind: int
    units: int
    weight: int
    side: int
    here: int
    there: int


@apart
def hand_on(values: Any, here: int, there: int, count: int) -> None:
    """A copy."""
    for r in range(0, count, width(values)):
        store(values, there + r, load(values, here + r))


@apart
def add_on(slopes: Any, here: int, there: int, count: int) -> None:
    """Adds the gradient of the copy to that of the other side."""
    for r in range(0, count, width(slopes)):
        store(slopes, here + r, load(slopes, here + r) + load(slopes, there + r))


@apart
def join(of: Joined, w: Any, values: Any, rows: int) -> None:
    """The sum x + f, the mixture x + g (f - x), the product x f, or g f, where there is no other side."""
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
def part(of: Joined, memory: Any, rows: int, later: bool) -> None:
    """The gradient of both sides, and that of the weight; what is there is added to if it is `later`."""
    values, slopes, g = memory.values, memory.slopes, memory.g
    for o in range(of.units):
        weight = get(memory.w, of.weight + o) if of.weight >= 0 else values.dtype.type(1)
        of_weight = every(g, 0.0)
        for r in range(o * rows, (o + 1) * rows, width(values)):
            dy, f, x = load(slopes, of.there + r), load(values, of.here + r), load(values, of.side + r)
            if of.kind == kind.TIMES:
                store(slopes, of.side + r, dy * f)
                store(slopes, of.here + r, dy * x)
            elif of.kind == kind.MIX:
                of_weight = of_weight + dy * (f - x)
                store(slopes, of.side + r, dy - weight * dy)
                store(slopes, of.here + r, weight * dy)
            elif of.kind == kind.JOIN:
                store(slopes, of.side + r, dy)
                store(slopes, of.here + r, dy)
            else:
                of_weight = of_weight + dy * f
                store(slopes, of.here + r, weight * dy)
        if of.weight >= 0:
            put(g, of.weight + o, total(of_weight) + (get(g, of.weight + o) if later else g.dtype.type(0)))
