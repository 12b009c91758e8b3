"""Every loss that has a scalar form, on lanes: the weighted sum over the rows, and the gradient of the logits.

The formulas are those of `losses/`, where they are derived. Row r has the weight `share[r]`; rows of padding have 0.
"""

from typing import Any, NamedTuple

from . import kinds as kind
from .elementwise import exp, exp_below, exp_of_size, log, softplus_and_sigmoid
from .lanes import absolute, constant, every, inline, load, store, total, where, width

_ONE = constant(1.0, 1.0)


class Measure(NamedTuple):
    """The loss: its kind and its options."""

    kind: int
    numbers: Any


@inline
def of_output(which: int, z: Any, y: Any, number: float, u: Any) -> Any:
    """The loss of one output and its derivative, for the losses that are a mean over the outputs.

    `u` is the `exp_of_size` of z, for the loss that needs it.
    """
    e = z - y
    if which == kind.MSE:
        return e * e, 2.0 * e
    if which == kind.BINARY_CROSS_ENTROPY:  # log(1 + e^z) - y z, and y moved towards one half
        y = y * (1.0 - number) + 0.5 * number
        value, derivative = softplus_and_sigmoid(z, u)
        return value - y * z, derivative - y
    if which == kind.MAE:
        return absolute(e), where(e > 0.0, _ONE(z), where(e < 0.0, -1.0, 0.0 * e))
    if which == kind.HUBER:
        c = where(e > number, number, where(e < -number, -number, e))
        return c * (e - 0.5 * c), c
    if which == kind.SMOOTH_L1:
        c = where(e > number, number, where(e < -number, -number, e)) * (1.0 / number)
        return c * (e - 0.5 * number * c), c
    if which == kind.QUANTILE:
        above = where(e > 0.0, _ONE(z), 0.0) - number
        return above * e, above
    if which == kind.POISSON:
        rate = exp(z)
        return rate - y * z, rate - y
    if which == kind.GAMMA:
        share = y * exp(0.0 - z)
        return z + share, 1.0 - share
    if which == kind.TWEEDIE:
        fall, rise = y * exp((1.0 - number) * z), exp((2.0 - number) * z)
        return fall * (1.0 / (number - 1.0)) + rise * (1.0 / (2.0 - number)), rise - fall
    sign = 2.0 * y - 1.0  # the hinge
    inside = where(sign * z < 1.0, sign, 0.0)
    return where(sign * z < 1.0, 1.0 - sign * z, 0.0 * z), 0.0 - inside


@inline
def _of_all_outputs(which: int, loss: Any, memory: Any, here: int, num_out: int, rows: int) -> Any:
    """A loss that is a mean over the outputs.

    In short loops, as the processor looks some two hundred operations ahead: more rows overlap than in a long one.
    """
    z, dz, mean, sum_of_losses = memory.values, memory.gradients, 1.0 / num_out, every(memory.values, 0.0)
    for o in range(num_out):
        number, at = loss.numbers[o % loss.numbers.size], o * rows
        if which == kind.BINARY_CROSS_ENTROPY:
            for r in range(0, rows, width(z)):
                store(dz, here + at + r, exp_of_size(load(z, here + at + r)))
        for r in range(0, rows, width(z)):
            y, u = load(memory.targets, at + r), load(dz, here + at + r)
            value, _ = of_output(which, load(z, here + at + r), y, number, u)
            sum_of_losses = sum_of_losses + load(memory.share, r) * mean * value
        for r in range(0, rows, width(z)):
            y, u = load(memory.targets, at + r), load(dz, here + at + r)
            _, gradient = of_output(which, load(z, here + at + r), y, number, u)
            store(dz, here + at + r, load(memory.share, r) * mean * gradient)
    return total(sum_of_losses)


@inline
def _of_outputs(loss: Any, memory: Any, here: int, num_out: int, rows: int) -> Any:
    """The same, specialized for the two most common losses, so that their loops have no branches."""
    if loss.kind == kind.MSE:
        return _of_all_outputs(kind.MSE, loss, memory, here, num_out, rows)
    if loss.kind == kind.BINARY_CROSS_ENTROPY:
        return _of_all_outputs(kind.BINARY_CROSS_ENTROPY, loss, memory, here, num_out, rows)
    return _of_all_outputs(loss.kind, loss, memory, here, num_out, rows)


@inline
def _of_means(memory: Any, here: int, num_out: int, rows: int) -> Any:
    """The Gaussian loss: two outputs for each target, the mean m and s, the logarithm of the variance."""
    z, dz, sum_of_losses = memory.values, memory.gradients, every(memory.values, 0.0)
    for o in range(0, num_out, 2):
        for r in range(o * rows, (o + 1) * rows, width(z)):
            m, s = load(z, here + r), load(z, here + rows + r)
            share = load(memory.share, r - o * rows) * (1.0 / num_out)  # half of one for each target
            e, precision = m - load(memory.targets, r), exp(0.0 - s)
            sum_of_losses = sum_of_losses + share * (s + e * e * precision)
            store(dz, here + r, share * 2.0 * e * precision)
            store(dz, here + rows + r, share * (1.0 - e * e * precision))
    return total(sum_of_losses)


@inline
def _of_classes(loss: Any, memory: Any, here: int, num_out: int, rows: int) -> Any:
    """The cross-entropy, after the largest logit is subtracted; with smoothing s, targets 1 - s + s/C and s/C."""
    z, dz, sum_of_losses = memory.values, memory.gradients, every(memory.values, 0.0)
    most, rest = 1.0 - loss.numbers[0], loss.numbers[0] / num_out
    for r in range(0, rows, width(z)):
        largest = load(z, here + r)
        for c in range(1, num_out):
            value = load(z, here + c * rows + r)
            largest = where(value <= largest, largest, value)  # NaN stays NaN
        sum_of_powers, right = every(z, 0.0), every(z, 0.0)
        label, s = load(memory.targets, r), load(memory.share, r)
        for c in range(num_out):
            value = load(z, here + c * rows + r) - largest
            power = exp_below(value)
            sum_of_powers = sum_of_powers + power
            right = right + (where(label == c, most * _ONE(s), 0.0) + rest) * value
            store(dz, here + c * rows + r, power)
        sum_of_losses = sum_of_losses + s * (log(sum_of_powers) - right)
        scale = s / sum_of_powers
        for c in range(num_out):
            target = where(label == c, most * _ONE(s), 0.0) + rest
            store(dz, here + c * rows + r, load(dz, here + c * rows + r) * scale - s * target)
    return total(sum_of_losses)


@inline
def measure(loss: Any, memory: Any, here: int, num_out: int, rows: int) -> Any:
    """The loss of the logits `memory.values[here:]`, and its gradient in `memory.gradients[here:]`."""
    if loss.kind == kind.CROSS_ENTROPY:
        return _of_classes(loss, memory, here, num_out, rows)
    if loss.kind == kind.GAUSSIAN_NLL:
        return _of_means(memory, here, num_out, rows)
    return _of_outputs(loss, memory, here, num_out, rows)
