"""Every update rule that has a scalar form, on lanes. The formulas are those of `optim/`.

Parameters, gradient and memory are padded with zeros to whole lanes, and the padding stays zero.
"""

from typing import Any, NamedTuple

from . import kinds as kind
from .lanes import absolute, constant, every, inline, load, sqrt, store, total, where, width

_ONE = constant(1.0, 1.0)

_TINY = constant(2.0**-126, 2.0**-1022)
EPS = 1e-12
"""Adam's eps above which the root of the smallest normal number, 1e-19, is negligible beside it."""

ANEW = 256
"""Steps after which the powers of Adam's betas are computed from scratch, instead of by one more product."""


class Rule(NamedTuple):
    """An update rule: its kind and options, each parameter's factor and decay, and the plan's clipping and averaging.

    The options, `numbers`, are a tuple of four numbers, not an array, so that they are loaded only once. `matrices` is
    1 for the parameters of matrices, to which the L2 term applies, and 0 for the others. A limit is infinite if there
    is none; `ema` is negative if no average is kept.
    """

    kind: int
    numbers: Any
    decoupled: bool
    lr_factors: Any
    decays: Any
    matrices: Any
    clip_value: float
    clip_norm: float
    ema: float


class Descent(NamedTuple):
    """The same for one group of parameters with one decay; its factor is part of the rate, and clipping is done."""

    kind: int
    numbers: Any
    decoupled: bool
    decay: float
    ema: float


@inline
def penalize(rule: Rule, w: Any, g: Any, l2: float) -> Any:
    """The L2 term l2 |w|^2 / 2 over the matrices; adds its gradient l2 w to g."""
    squares = every(w, 0.0)
    if l2 > 0.0:
        for j in range(0, w.size, width(w)):
            value = load(w, j) * load(rule.matrices, j)
            squares = squares + value * value
            store(g, j, load(g, j) + l2 * value)
    return 0.5 * l2 * total(squares)


@inline
def clip(g: Any, rule: Rule) -> None:
    """Bounds each element by `clip_value`, then the norm of the whole by `clip_norm`, as `_update.py` does."""
    if rule.clip_value < 1e300:
        for j in range(0, g.size, width(g)):
            value = load(g, j)
            value = where(value > rule.clip_value, rule.clip_value, value)
            store(g, j, where(value < -rule.clip_value, -rule.clip_value, value))
    if rule.clip_norm < 1e300:
        squares = every(g, 0.0)
        for j in range(0, g.size, width(g)):
            squares = squares + load(g, j) * load(g, j)
        factor = rule.clip_norm / (total(squares) ** 0.5 + 1e-6)
        if not factor >= 1.0:
            for j in range(0, g.size, width(g)):
                store(g, j, load(g, j) * factor)


class Corrections(NamedTuple):
    """The number t of a step, from 1, and Adam's corrections, 1 - beta_1^t and sqrt(1 - beta_2^t); 1 if it has none."""

    step: int
    bias_correction1: float
    bias_correction2_sqrt: float


@inline
def _bases(rule: Any) -> tuple[float, float]:
    """The numbers whose powers a rule needs: its first two; for NAdam, the base of mu instead of the first."""
    n = rule.numbers
    return (n[3] if rule.kind == kind.NADAM else n[0]), n[1]


@inline
def powers_at(rule: Any, step: int) -> tuple[float, float]:
    """The bases to the power `step`: a power up to the last multiple of `ANEW`, and products from there."""
    (first, second), last = _bases(rule), step % ANEW
    m: float = first ** (step - last)
    v: float = second ** (step - last)
    for _ in range(last):
        m, v = m * first, v * second
    return m, v


@inline
def powers_after(rule: Any, powers: tuple[float, float], step: int) -> tuple[float, float]:
    """The same to the bit, from those of the step before: a power takes as long as a hundred products."""
    if step % ANEW == 0:
        m, v = powers_at(rule, step)
        return m, v
    first, second = _bases(rule)
    return powers[0] * first, powers[1] * second


@inline
def corrections(rule: Rule | Descent, step: int, powers: tuple[float, float]) -> Corrections:
    """The corrections of step `step`."""
    if rule.kind != kind.ADAM and rule.kind != kind.ADAM_HAT:  # noqa: PLR1714  (numba makes no set of constants)
        return Corrections(step, 1.0, 1.0)
    return Corrections(step, 1.0 - powers[0], (1.0 - powers[1]) ** 0.5)


@inline
def normal(number: Any, eps: float) -> Any:
    """One of Adam's means, 0 where it is subnormal, which is negligible beside a usual eps.

    The means of a dead unit would stay subnormal for ever, and their roots and quotients take three times as long.
    """
    return where(absolute(number) < _TINY(number), 0.0, number) if eps > EPS else number


@inline
def descend(which: int, rule: Rule | Descent, w: Any, known: Any, lr: Any, now: Corrections) -> Any:
    """The new weights and the new memory: up to three numbers for each parameter, as many as the rule needs.

    `known` are the gradient and the old memory. `which` is the rule's kind; a caller that passes a constant gets a loop
    without branches.
    """
    n, (dw, m, v, u) = rule.numbers, known
    if which == kind.SGD:
        m = n[0] * m + dw
        return w - lr * (dw + n[0] * m if n[1] > 0.0 else m), m, v, u
    if which == kind.ADAM:
        m = normal(m + (1.0 - n[0]) * (dw - m), n[2])
        v = normal(n[1] * v + (1.0 - n[1]) * dw * dw, n[2])
        root = sqrt(v) * (1.0 / now.bias_correction2_sqrt) + n[2]
        return w - lr * (1.0 / now.bias_correction1) * (m / root), m, v, u
    if which == kind.ADAM_HAT:
        m = normal(m + (1.0 - n[0]) * (dw - m), n[2])
        v = normal(n[1] * v + (1.0 - n[1]) * dw * dw, n[2])
        return w - lr * (now.bias_correction2_sqrt / now.bias_correction1) * (m / (sqrt(v) + n[2])), m, v, u
    if which == kind.MOMENTUM:
        m = n[0] * m - lr * dw
        return w + (n[0] * m - lr * dw if n[1] > 0.0 else m), m, v, u
    if which == kind.RMSPROP:
        v = n[0] * v + (1.0 - n[0]) * dw * dw
        m = m + (1.0 - n[0]) * (dw - m)
        scaled = dw / (sqrt(v - m * m if n[3] > 0.0 else v) + n[1])
        u = n[2] * u + scaled
        return w - lr * u, m, v, u
    if which == kind.ADAGRAD:
        v = v + dw * dw
        return w - lr / (1.0 + (now.step - 1) * n[0]) * (dw / (sqrt(v) + n[1])), m, v, u
    if which == kind.LION:
        c = m + (1.0 - n[0]) * (dw - m)
        sign = where(c > 0.0, _ONE(c), where(c < 0.0, -1.0, c))
        return w - lr * sign, m + (1.0 - n[1]) * (dw - m), v, u
    v = n[0] * v + (1.0 - n[0]) * dw * dw  # Adadelta
    d = sqrt(u + n[1]) / sqrt(v + n[1]) * dw
    return w - lr * d, m, v, n[0] * u + (1.0 - n[0]) * d * d


@inline
def average(rule: Any, memory: Any, there: Any, step: int) -> None:
    """Updates the moving average of the weights, if there is one: `there` are its place and the new weights."""
    place, value = there
    if rule.ema >= 0.0:
        before = load(memory, place)
        weight = 1.0 - rule.ema if step > 1 else 1.0
        store(memory, place, before + weight * (value - before))


@inline
def _update(which: int, rule: Rule, arrays: Any, lr: float, now: Corrections) -> None:
    """One step of the rule on all parameters."""
    w, g, memory = arrays
    size = w.size
    for j in range(0, size, width(w)):
        value, dw, rate, decay = load(w, j), load(g, j), lr * load(rule.lr_factors, j), load(rule.decays, j)
        if rule.decoupled:
            value = value * (1.0 - rate * decay)
        else:
            dw = dw + decay * value
        known = dw, load(memory, j), load(memory, size + j), load(memory, 2 * size + j)
        value, m, v, u = descend(which, rule, value, known, rate, now)
        store(w, j, value)
        store(memory, j, m)
        store(memory, size + j, v)
        if which > kind.ADAM_HAT:
            store(memory, 2 * size + j, u)
        average(rule, memory, (3 * size + j, value), now.step)


@inline
def update(rule: Rule, w: Any, g: Any, memory: Any, lr: float, now: Corrections) -> None:
    """The same, specialized for the most common rule."""
    if rule.kind == kind.ADAM:
        _update(kind.ADAM, rule, (w, g, memory), lr, now)
    else:
        _update(rule.kind, rule, (w, g, memory), lr, now)


def update_plain(rule: Rule, arrays: Any, lr: float, number: int, powers: tuple[float, float]) -> None:
    """The same for step `number`, with the powers of its bases."""
    w, g, memory = arrays
    update(rule, w, g, memory, lr, corrections(rule, number, powers))
