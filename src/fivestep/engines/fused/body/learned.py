"""A hidden layer of a network for tables: everything but its matrix products, in one pass each way.

The layer is `ntk_linear`, `parametric` and perhaps `dropout`: z = c x W^T + b, y = m (z + g (f(z) - z)). The product
x W^T and those of the backward pass are torch's; the formulas are derived in `layers/`.
"""

from typing import Any

from .activations import value_and_derivative
from .lanes import every, get, load, put, store, where, width
from .numbers import numbers_at


def parametric(which: int, numbers: Any, z: Any, learned: Any, drawn: Any, kept: Any) -> None:
    """Overwrites the product z (N, O) with the layer's outputs y, and keeps what the backward pass needs.

    `numbers` are the activation's option, the factor c, and for dropout the least random number whose unit is kept, and
    1 / (1 - p). `learned` are b and g (O,), `drawn` the random bits (N, O), empty without dropout. c dy/dz and dy/dg
    (N, O) are written to `kept`.
    """
    (option, factor, least, scale), (b, g), (derivatives, far) = numbers, learned, kept
    num_rows, num_units = z.shape
    for at in range(0, num_rows * num_units, num_units):
        for o in range(0, num_units, width(z)):
            here = load(z, at + o) * factor + load(b, o)
            value, derivative = value_and_derivative(which, here, option)
            gap, strength, mask = value - here, load(g, o), every(z, 1.0)
            if drawn.size:
                mask = where(numbers_at(drawn, at + o, z) >= least, every(z, scale), 0.0)
            store(z, at + o, mask * (here + strength * gap))
            store(derivatives, at + o, mask * ((1.0 - strength) + strength * derivative) * factor)
            store(far, at + o, mask * gap)


def parametric_gradient(dy: Any, far: Any, dg: Any) -> None:
    """The gradient of the strengths, dg (O,): the sum over the rows of dy times dy/dg (`far`), both (N, O)."""
    num_rows, num_units = dy.shape
    for o in range(0, num_units, width(dy)):
        store(dg, o, every(dy, 0.0))
    for at in range(0, num_rows * num_units, num_units):
        for o in range(0, num_units, width(dy)):
            store(dg, o, load(dg, o) + load(dy, at + o) * load(far, at + o))


def drop(x: Any, drawn: Any, least: float, scale: float, y: Any, mask: Any) -> None:
    """Dropout alone, on flat tensors: mask, `scale` where a random number is at least `least`, else 0; y = x mask."""
    whole, stays = x.size - x.size % width(x), x.dtype.type(scale)
    for k in range(0, whole, width(x)):
        kept = where(numbers_at(drawn, k, x) >= least, every(x, scale), 0.0)
        store(mask, k, kept)
        store(y, k, load(x, k) * kept)
    for k in range(whole, x.size):
        number = stays if get(drawn, k) >= least else x.dtype.type(0)
        put(mask, k, number)
        put(y, k, get(x, k) * number)
