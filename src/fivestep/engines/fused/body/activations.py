"""Every activation that has a scalar form: its value and its derivative, on lanes.

The formulas are those of `activations/`, where they are derived.
"""

from typing import Any

from . import elementwise
from . import kinds as kind
from .elementwise import erf, exp, expm1, sigmoid, softplus
from .lanes import absolute, constant, inline, load, store, where, width

_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946
_ROOT_HALF, _DENSITY = 0.70710678118654752440, 0.39894228040143267794  # 1 / sqrt 2, 1 / sqrt(2 pi)
_SLOPE, _CUBIC = 0.79788456080286535588, 0.044715  # sqrt(2 / pi)
_ONE = constant(1.0, 1.0)


@inline
def relu(z: Any) -> Any:
    """max(0, z) and its derivative, 1 or 0; NaN stays NaN."""
    is_above = where(z > 0.0, _ONE(z), 0.0)
    return where(z < 0.0, 0.0, z), is_above


@inline
def tanh(z: Any) -> Any:
    """The hyperbolic tangent a and its derivative, 1 - a^2."""
    a = elementwise.tanh(z)
    return a, 1.0 - a * a


@inline
def _sigmoid(z: Any) -> Any:
    a = sigmoid(z)
    return a, a * (1.0 - a)


@inline
def _elu(z: Any, alpha: Any) -> Any:
    below = alpha * expm1(where(z < 0.0, z, 0.0))
    return where(z > 0.0, z, below), where(z > 0.0, 1.0, below + alpha)


@inline
def _silu(z: Any) -> Any:
    s = sigmoid(z)
    a = z * s
    return a, s + a * (1.0 - s)


@inline
def _gelu(z: Any) -> Any:
    share = 0.5 * (1.0 + erf(z * _ROOT_HALF))
    return z * share, share + z * _DENSITY * exp(-0.5 * z * z)


@inline
def _gelu_tanh(z: Any) -> Any:
    t = elementwise.tanh(_SLOPE * (z + _CUBIC * z * z * z))
    du = _SLOPE * (1.0 + 3.0 * _CUBIC * z * z)
    return 0.5 * z * (1.0 + t), 0.5 * (1.0 + t) + 0.5 * z * (1.0 - t * t) * du


@inline
def _mish(z: Any) -> Any:
    t = elementwise.tanh(softplus(z))
    return z * t, t + z * (1.0 - t * t) * sigmoid(z)


@inline
def _hardswish(z: Any) -> Any:
    six = where(z > 3.0, 6.0, where(z < -3.0, 0.0, z + 3.0))
    inside = where(z * z < 9.0, z, 0.0)
    return z * six / 6.0, (six + inside) / 6.0


@inline
def value_and_derivative(which: int, z: Any, number: float) -> Any:  # noqa: PLR0912  (one line each)
    """The value and the derivative of any of them; `number` is the option."""
    if which == kind.SIGMOID:
        return _sigmoid(z)
    if which == kind.RELU:
        return relu(z)
    if which == kind.TANH:
        return tanh(z)
    if which == kind.LEAKY_RELU:
        return where(z > 0.0, z, number * z), where(z > 0.0, _ONE(z), number)
    if which == kind.RELU_SQUARED:
        above = where(z <= 0.0, 0.0, z)
        return above * above, 2.0 * above
    if which == kind.ELU:
        return _elu(z, number)
    if which == kind.SELU:
        a, derivative = _elu(z, _SELU_ALPHA)
        return _SELU_SCALE * a, _SELU_SCALE * derivative
    if which == kind.SILU:
        return _silu(z)
    if which == kind.SOFTPLUS:
        return softplus(number * z) / number, sigmoid(number * z)
    if which == kind.GELU:
        return _gelu(z)
    if which == kind.GELU_TANH:
        return _gelu_tanh(z)
    if which == kind.HARDSWISH:
        return _hardswish(z)
    if which == kind.MISH:
        return _mish(z)
    if which == kind.SHIFT:
        return z + number, _ONE(z)
    if which == kind.FACTOR:
        return z * number, number * _ONE(z)
    if which == kind.LEAST:
        return where(z < number, number, z), where(z > number, _ONE(z), 0.0)
    if which == kind.MOST:
        return where(z > number, number, z), where(z < number, _ONE(z), 0.0)
    if which == kind.SOFTSIGN:
        whole = 1.0 + absolute(z)
        return z / whole, 1.0 / (whole * whole)
    return z, _ONE(z)  # the identity


@inline
def activate(which: int, number: float, values: Any, here: int, there: int, count: int) -> None:
    """Writes f(z) to values[there:] and f'(z) over z = values[here:], for `count` numbers; `number` is the option."""
    for r in range(0, count, width(values)):
        a, derivative = value_and_derivative(which, load(values, here + r), number)
        store(values, there + r, a)
        store(values, here + r, derivative)
