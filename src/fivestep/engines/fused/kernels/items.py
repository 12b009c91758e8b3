"""Activations, losses and update rules of all Triton kernels, on vectors or tiles of numbers.

The formulas are those of the items, where they are derived. Kinds are the integers of `body/kinds.py`; they are
constants to Triton, so only one of the branches below is compiled. NaN stays NaN: comparisons are written so that NaN
takes the branch that keeps it, as a maximum on the device would drop it.
"""

from typing import Any, final

import triton
import triton.language as tl
from triton.language.extra import libdevice

from ..body import kinds as kind

_RELU, _TANH, _SIGMOID = tl.constexpr(kind.RELU), tl.constexpr(kind.TANH), tl.constexpr(kind.SIGMOID)
_LEAKY_RELU, _RELU_SQUARED = tl.constexpr(kind.LEAKY_RELU), tl.constexpr(kind.RELU_SQUARED)
_ELU, _SELU, _SILU = tl.constexpr(kind.ELU), tl.constexpr(kind.SELU), tl.constexpr(kind.SILU)
_SOFTPLUS, _GELU, _GELU_TANH = tl.constexpr(kind.SOFTPLUS), tl.constexpr(kind.GELU), tl.constexpr(kind.GELU_TANH)
_HARDSWISH, _MISH = tl.constexpr(kind.HARDSWISH), tl.constexpr(kind.MISH)
_MSE, _MAE, _HUBER = tl.constexpr(kind.MSE), tl.constexpr(kind.MAE), tl.constexpr(kind.HUBER)
_POISSON, _BINARY = tl.constexpr(kind.POISSON), tl.constexpr(kind.BINARY_CROSS_ENTROPY)
_SGD, _MOMENTUM, _ADAM = tl.constexpr(kind.SGD), tl.constexpr(kind.MOMENTUM), tl.constexpr(kind.ADAM)
_ADAM_HAT, _RMSPROP, _ADAGRAD = tl.constexpr(kind.ADAM_HAT), tl.constexpr(kind.RMSPROP), tl.constexpr(kind.ADAGRAD)
_LION = tl.constexpr(kind.LION)

_SELU_SCALE, _SELU_ALPHA = tl.constexpr(1.0507009873554805), tl.constexpr(1.6732632423543772)
_ROOT_HALF, _ROOT_TWO_BY_PI = tl.constexpr(0.7071067811865476), tl.constexpr(0.7978845608028654)
_DENSITY, _CUBIC = tl.constexpr(0.3989422804014327), tl.constexpr(0.044715)


@final
class Known(tuple[Any, ...]):
    """Compile-time constants in nested tuples, which Triton cannot index by itself."""

    def __getitem__(self, index: Any) -> Any:
        value = super().__getitem__(index)
        return tl.constexpr(Known(value) if isinstance(value, tuple) else value)


@triton.jit
def sigmoid(z):
    """1 / (1 + exp(-z))."""
    return 1.0 / (1.0 + tl.exp(-z))


@triton.jit
def softplus(z):
    """log(1 + exp z), which never overflows."""
    return tl.where(z < 0.0, 0.0, z) + libdevice.log1p(tl.exp(-tl.abs(z)))


@triton.jit
def activated(z, KIND: tl.constexpr, OPTION: tl.constexpr):
    """The value a = f(z)."""
    if KIND == _RELU:
        a = tl.where(z <= 0.0, 0.0, z)
    elif KIND == _TANH:
        a = libdevice.tanh(z)
    elif KIND == _SIGMOID:
        a = sigmoid(z)
    elif KIND == _LEAKY_RELU:
        a = tl.where(z > 0.0, z, OPTION * z)
    elif KIND == _RELU_SQUARED:
        a = tl.where(z <= 0.0, 0.0, z * z)
    elif KIND == _ELU:
        a = tl.where(z <= 0.0, OPTION * libdevice.expm1(tl.minimum(z, 0.0)), z)
    elif KIND == _SELU:
        a = tl.where(z <= 0.0, libdevice.expm1(tl.minimum(z, 0.0)) * _SELU_ALPHA, z) * _SELU_SCALE
    elif KIND == _SILU:
        a = z * sigmoid(z)
    elif KIND == _SOFTPLUS:
        a = softplus(OPTION * z) / OPTION
    elif KIND == _GELU:
        a = 0.5 * z * (1.0 + tl.erf(z * _ROOT_HALF))
    elif KIND == _GELU_TANH:
        a = z * sigmoid(z * (2.0 * _ROOT_TWO_BY_PI) * (1.0 + z * z * _CUBIC))  # (1 + tanh u) / 2, with its tail
    elif KIND == _HARDSWISH:
        a = z * tl.minimum(tl.maximum(z + 3.0, 0.0), 6.0) / 6.0
    elif KIND == _MISH:
        a = z * libdevice.tanh(softplus(z))
    else:
        a = z
    return a.to(z.dtype)


@triton.jit
def derivative_of(z, a, KIND: tl.constexpr, OPTION: tl.constexpr):
    """f'(z), from z or from a."""
    one = tl.full(z.shape, 1.0, z.dtype)
    if KIND == _RELU:
        d = tl.where(a > 0.0, one, 0.0)
    elif KIND == _TANH:
        d = 1.0 - a * a
    elif KIND == _SIGMOID:
        d = a * (1.0 - a)
    elif KIND == _LEAKY_RELU:
        d = tl.where(z > 0.0, one, OPTION * one)
    elif KIND == _RELU_SQUARED:
        d = tl.where(z > 0.0, 2.0 * z, 0.0)
    elif KIND == _ELU:
        d = tl.where(z > 0.0, one, a + OPTION)
    elif KIND == _SELU:
        d = tl.where(z > 0.0, one * _SELU_SCALE, a + _SELU_SCALE * _SELU_ALPHA)
    elif KIND == _SILU:
        p = sigmoid(z)
        d = p * (1.0 + z * (1.0 - p))
    elif KIND == _SOFTPLUS:
        d = sigmoid(OPTION * z)
    elif KIND == _GELU:
        d = 0.5 * (1.0 + tl.erf(z * _ROOT_HALF)) + z * _DENSITY * tl.exp(-0.5 * z * z)
    elif KIND == _GELU_TANH:
        p = sigmoid(z * (2.0 * _ROOT_TWO_BY_PI) * (1.0 + z * z * _CUBIC))
        d = p + z * p * (1.0 - p) * (2.0 * _ROOT_TWO_BY_PI) * (1.0 + z * z * (3.0 * _CUBIC))
    elif KIND == _HARDSWISH:
        d = tl.where(z <= -3.0, 0.0, tl.where(z >= 3.0, one, z / 3.0 + 0.5))
    elif KIND == _MISH:
        t = libdevice.tanh(softplus(z))
        d = t + z * (1.0 - t * t) * sigmoid(z)
    else:
        d = one
    return d.to(z.dtype)


@triton.jit
def of_output(z, y, KIND: tl.constexpr, OPTION: tl.constexpr):
    """The loss of each output and its derivative, for the losses that are a mean over the outputs."""
    e, one = z - y, tl.full(z.shape, 1.0, z.dtype)
    if KIND == _MSE:
        value, d = e * e, 2.0 * e
    elif KIND == _MAE:
        value, d = tl.abs(e), tl.where(e > 0.0, one, tl.where(e < 0.0, -one, 0.0 * one))
    elif KIND == _HUBER:
        limit = OPTION * one
        c = tl.where(e < -limit, -limit, tl.where(e > limit, limit, e))
        value, d = c * (e - 0.5 * c), c
    elif KIND == _POISSON:
        rate = tl.exp(z)
        value, d = rate - y * z, rate - y
    elif KIND == _BINARY:
        smooth = y * (1.0 - OPTION) + 0.5 * OPTION
        value, d = softplus(z) - smooth * z, sigmoid(z) - smooth
    else:  # the hinge
        sign = 2.0 * y - 1.0
        value = tl.where(sign * z >= 1.0, 0.0, 1.0 - sign * z)
        d = tl.where(sign * z < 1.0, -sign, 0.0)
    return value.to(z.dtype), d.to(z.dtype)


@triton.jit
def of_classes(z, label, OPTION: tl.constexpr, CLASSES: tl.constexpr):
    """The cross-entropy of each row and its gradient, for a tuple of logits: one for each class."""
    largest = z[0]
    for c in tl.static_range(1, CLASSES):
        largest = tl.maximum(largest, z[c])
    total, right, one = largest * 0.0, largest * 0.0, tl.full(largest.shape, 1.0, largest.dtype)
    for c in tl.static_range(CLASSES):
        total += tl.exp(z[c] - largest)
        right += (tl.where(label == c, (1.0 - OPTION) * one, 0.0) + OPTION / CLASSES) * (z[c] - largest)
    d = ()
    for c in tl.static_range(CLASSES):
        target = tl.where(label == c, (1.0 - OPTION) * one, 0.0) + OPTION / CLASSES
        d = d + ((tl.exp(z[c] - largest) / total - target).to(largest.dtype),)
    return (tl.log(total) - right).to(largest.dtype), d


@triton.jit
def root(v):
    """The square root, correctly rounded: Triton's own for float32 is approximate and flushes subnormals."""
    if v.dtype == tl.float32:
        r = tl.sqrt_rn(v)
    else:
        r = tl.sqrt(v)
    return r


@triton.jit
def recalled(place, has, like, IS_KEPT: tl.constexpr):
    """Loads one of a rule's memories; any value if the rule does not have it."""
    values = like
    if IS_KEPT:
        values = tl.load(place, mask=has, other=0.0)
    return values


@triton.jit
def remember(place, values, has, IS_KEPT: tl.constexpr):
    """Stores one of a rule's memories, if the rule has it."""
    if IS_KEPT:
        tl.store(place, values, mask=has)


@triton.jit
def move(w, dw, at, has, places, lr, corrections, RULE: tl.constexpr):
    """Updates the weights w by their gradient dw, stores them and the rule's memory, and returns them.

    `places` are where the weights and the rule's three memories begin, and w is `at` an offset from there. RULE is its
    kind, its options, and which memories it has. `lr` and `corrections` (`_forms.correction`) are those of the step.
    """
    m = recalled(places[1] + at, has, w, RULE[2][0])
    v = recalled(places[2] + at, has, w, RULE[2][1])
    u = recalled(places[3] + at, has, w, RULE[2][2])
    w, m, v, u = descend(w, dw, (m, v, u), lr, corrections, RULE)
    tl.store(places[0] + at, w, mask=has)
    remember(places[1] + at, m, has, RULE[2][0])
    remember(places[2] + at, v, has, RULE[2][1])
    remember(places[3] + at, u, has, RULE[2][2])
    return w


@triton.jit
def of_step(settings, longest, s):
    """The settings of step s: the rate, the rule's two corrections, and the factor of decoupled weight decay."""
    rate, first = tl.load(settings + s), tl.load(settings + longest + s)
    return rate, first, tl.load(settings + 2 * longest + s), tl.load(settings + 3 * longest + s)


@triton.jit
def decayed_move(w, dw, at, has, places, now, RULE: tl.constexpr, DECAY: tl.constexpr):
    """`move` by the settings of a step (`of_step`), after a decay within the gradient, or of the weights themselves."""
    if DECAY != 0.0:
        dw += DECAY * w
    return move(w * now[3], dw, at, has, places, now[0], (now[1], now[2]), RULE)


@triton.jit
def descend(w, dw, memory, lr, corrections, RULE: tl.constexpr):
    """The new weights and memory of a rule; `corrections` are computed on the host (`_forms.correction`)."""
    KIND: tl.constexpr = RULE[0]
    OPTIONS: tl.constexpr = RULE[1]
    m, v, u = memory[0], memory[1], memory[2]
    if KIND == _SGD:
        if OPTIONS[0] > 0:
            m = OPTIONS[0] * m + dw
        else:
            m = dw
        if OPTIONS[1] > 0:
            w -= lr * (dw + OPTIONS[0] * m)
        else:
            w -= lr * m
    elif KIND == _ADAM:
        m += (1.0 - OPTIONS[0]) * (dw - m)
        v = OPTIONS[1] * v + (1.0 - OPTIONS[1]) * dw * dw
        w -= lr * corrections[0] * (m / (root(v) * corrections[1] + OPTIONS[2]))
    elif KIND == _ADAM_HAT:
        m += (1.0 - OPTIONS[0]) * (dw - m)
        v = OPTIONS[1] * v + (1.0 - OPTIONS[1]) * dw * dw
        w -= lr * corrections[0] / corrections[1] * (m / (root(v) + OPTIONS[2]))
    elif KIND == _MOMENTUM:
        m = OPTIONS[0] * m - lr * dw
        if OPTIONS[1] > 0:
            w += OPTIONS[0] * m - lr * dw
        else:
            w += m
    elif KIND == _RMSPROP:
        v = OPTIONS[0] * v + (1.0 - OPTIONS[0]) * dw * dw
        m += (1.0 - OPTIONS[0]) * (dw - m)
        if OPTIONS[3] > 0:
            scale = root(v - m * m)
        else:
            scale = root(v)
        u = OPTIONS[2] * u + dw / (scale + OPTIONS[1])
        w -= lr * u
    elif KIND == _ADAGRAD:
        v += dw * dw
        w -= lr * corrections[0] * (dw / (root(v) + OPTIONS[1]))
    elif KIND == _LION:
        c = m + (1.0 - OPTIONS[0]) * (dw - m)
        w -= lr * tl.where(c > 0.0, 1.0, tl.where(c < 0.0, -1.0, 0.0))
        m += (1.0 - OPTIONS[1]) * (dw - m)
    else:  # Adadelta
        v = OPTIONS[0] * v + (1.0 - OPTIONS[0]) * dw * dw
        d = root(u + OPTIONS[1]) / root(v + OPTIONS[1]) * dw
        w -= lr * d
        u = OPTIONS[0] * u + (1.0 - OPTIONS[0]) * d * d
    return w, m, v, u
