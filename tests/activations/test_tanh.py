"""Tanh: worked values, and its symmetry."""

import math

import pytest
import torch

from fivestep.activations.sigmoid import Sigmoid
from fivestep.activations.tanh import Tanh
from tests.samples import numbers
from tests.tolerances import FORMULA, distance


def test_worked_values() -> None:
    """tanh(log 2) = (2 - 1/2) / (2 + 1/2) = 3/5."""
    a = Tanh().value(torch.tensor([0.0, math.log(2), -math.log(2)], dtype=torch.float64))
    assert a.tolist() == pytest.approx([0, 0.6, -0.6], rel=FORMULA)


def test_worked_derivative() -> None:
    """1 - (3/5)^2 = 16/25."""
    z = torch.tensor([0.0, math.log(2)], dtype=torch.float64)
    assert Tanh().derivative(z, Tanh().value(z)).tolist() == pytest.approx([1, 0.64], rel=FORMULA)


def test_it_is_odd() -> None:
    z = numbers(50)
    assert torch.equal(Tanh().value(-z), -Tanh().value(z))


def test_it_is_a_stretched_sigmoid() -> None:
    z = numbers(50)
    assert distance(Tanh().value(z), 2 * Sigmoid().value(2 * z) - 1) < FORMULA
