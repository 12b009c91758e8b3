"""Arithmetic with the numbers of a step, which are Python numbers, or tensors on the device of the weights.

A step that is recorded once and repeated (`engines/_graphs.py`) cannot have the learning rate or the step's number as a
constant. Then both are tensors of one float64 number, and every formula here gives what it gives for a float.
"""

import math

from torch import Tensor

from ..typing import Elements

Number = float | Tensor
"""A number of the step: Python's own, or a tensor without axes in float64."""


def add_(w: Elements, x: Elements, factor: Number) -> Elements:
    """Computes w <- w + factor x, in place."""
    return w.addcmul_(x, factor) if isinstance(factor, Tensor) else w.add_(x, alpha=factor)


def addcdiv_(w: Elements, x: Elements, y: Elements, factor: Number) -> Elements:
    """Computes w <- w + factor x / y, in place."""
    return w.addcmul_(x / y, factor) if isinstance(factor, Tensor) else w.addcdiv_(x, y, value=factor)


def sqrt(number: Number) -> Number:
    """The square root."""
    return number.sqrt() if isinstance(number, Tensor) else math.sqrt(number)


def is_above(number: Number, other: float) -> Number:
    """1 where the number is greater than the other, else 0."""
    return (number > other).double() if isinstance(number, Tensor) else float(number > other)
