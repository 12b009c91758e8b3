"""The logistic function: worked values, and both ends."""

import math

import pytest
import torch

from fivestep.activations.sigmoid import Sigmoid
from tests.samples import numbers
from tests.tolerances import FORMULA, distance


def test_worked_values() -> None:
    """1 / (1 + exp(-log 3)) = 1 / (1 + 1/3) = 3/4."""
    a = Sigmoid().value(torch.tensor([0.0, math.log(3), -math.log(3)], dtype=torch.float64))
    assert a.tolist() == pytest.approx([0.5, 0.75, 0.25], rel=FORMULA)


def test_worked_derivative() -> None:
    """3/4 (1 - 3/4) = 3/16."""
    z = torch.tensor([0.0, math.log(3)], dtype=torch.float64)
    assert Sigmoid().derivative(z, Sigmoid().value(z)).tolist() == pytest.approx([0.25, 0.1875], rel=FORMULA)


def test_values_at_z_and_minus_z_sum_to_one() -> None:
    z = numbers(50)
    assert distance(Sigmoid().value(z) + Sigmoid().value(-z), torch.ones_like(z)) < FORMULA


def test_both_ends_are_reached_without_overflow() -> None:
    assert Sigmoid().value(torch.tensor([-1000.0, 1000.0])).tolist() == [0, 1]
