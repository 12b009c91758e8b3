"""Layer normalization and RMS normalization, as `layers/layer_norm.py` and `layers/rms_norm.py` derive them.

Lanes are rows, so each lane adds up its own row. The normalized values n overwrite the inputs, and the scale s of each
row follows them, as if it were one more unit.
"""

from typing import Any, NamedTuple

from . import kinds as kind
from .lanes import constant, every, get, inline, load, put, sqrt, store, total, width

LEAST = constant(2.0**-23, 2.0**-52)
"""The eps of an RMS norm that is given none, as in torch: the distance from 1 to the next larger number."""


class Normed(NamedTuple):
    """A norm: its kind and eps (0: `LEAST`), its units, and the places of weight and bias (-1: none)."""

    kind: int
    eps: float
    units: int
    weight: int
    bias: int


@inline
def normalize(norm: Normed, w: Any, values: Any, places: tuple[int, int], rows: int) -> None:
    """Computes y = g n + b, from the first of the places to the second; n and s overwrite the inputs."""
    (here, there), size = places, norm.units * rows
    for r in range(0, rows, width(values)):
        mean = spread = every(values, 0.0)
        if norm.kind == kind.LAYER_NORM:
            for k in range(here + r, here + r + size, rows):
                mean = mean + load(values, k)
            mean = mean * (1.0 / norm.units)
        for k in range(here + r, here + r + size, rows):
            x = load(values, k) - mean
            spread = spread + x * x
        spread = spread * (1.0 / norm.units)
        scale = 1.0 / sqrt(spread + norm.eps if norm.eps > 0.0 else spread + LEAST(spread))
        store(values, here + size + r, scale)
        for o in range(norm.units):
            n = (load(values, here + o * rows + r) - mean) * scale
            store(values, here + o * rows + r, n)
            if norm.weight >= 0:
                n = n * get(w, norm.weight + o)
            if norm.bias >= 0:
                n = n + get(w, norm.bias + o)
            store(values, there + o * rows + r, n)


@inline
def find_norm_gradient(norm: Normed, memory: Any, places: tuple[int, int], rows: int, later: bool) -> None:
    """Computes dg = sum dy n and db = sum dy over the rows; if `later`, adds them to the gradient that is there."""
    (here, there), g = places, memory.g
    for o in range(norm.units):
        of_weight = of_bias = every(g, 0.0)
        for r in range(o * rows, (o + 1) * rows, width(g)):
            dy = load(memory.gradients, there + r)
            of_weight, of_bias = of_weight + dy * load(memory.values, here + r), of_bias + dy
        if norm.weight >= 0:
            before = get(g, norm.weight + o) if later else g.dtype.type(0)
            put(g, norm.weight + o, before + total(of_weight))
        if norm.bias >= 0:
            before = get(g, norm.bias + o) if later else g.dtype.type(0)
            put(g, norm.bias + o, before + total(of_bias))


@inline
def through_norm(norm: Normed, memory: Any, places: tuple[int, int], rows: int) -> None:
    """Computes dx = s (dn - mean(dn) - n mean(dn n)) with dn = g dy; without mean(dn) for an RMS norm."""
    (here, there), gradients, values, size = places, memory.gradients, memory.values, norm.units * rows
    for r in range(0, rows, width(values)):
        mean = along = every(values, 0.0)
        for o in range(norm.units):
            dn = load(gradients, there + o * rows + r)
            if norm.weight >= 0:
                dn = dn * get(memory.w, norm.weight + o)
            store(gradients, here + o * rows + r, dn)
            mean, along = mean + dn, along + dn * load(values, here + o * rows + r)
        mean, along = mean * (1.0 / norm.units), along * (1.0 / norm.units)
        if norm.kind != kind.LAYER_NORM:
            mean = every(values, 0.0)
        for k in range(here + r, here + r + size, rows):
            dx = load(gradients, k) - mean - load(values, k) * along
            store(gradients, k, dx * load(values, here + size + r))
