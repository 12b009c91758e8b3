"""GELU: worked values, and what its theory promises."""

import pytest
import torch

from fivestep.activations.gelu import GELU
from tests.samples import numbers
from tests.tolerances import FORMULA, PRINTED, distance


def test_worked_values() -> None:
    a = GELU().value(torch.tensor([-2, -0.5, 0, 0.5, 2], dtype=torch.float64))
    assert a.tolist() == pytest.approx([-0.0455, -0.1543, 0, 0.3457, 1.9545], abs=PRINTED)


def test_it_is_the_chance_to_keep_z_times_z() -> None:
    """z times the share of standard normal numbers below z."""
    z = torch.tensor([0.7], dtype=torch.float64)
    normal = torch.distributions.Normal(torch.tensor(0.0, dtype=torch.float64), torch.tensor(1.0, dtype=torch.float64))
    assert distance(GELU().value(z), z * normal.cdf(z)) < FORMULA


def test_value_at_z_minus_value_at_minus_z_is_z() -> None:
    """Phi(z) + Phi(-z) = 1, so gelu(z) - gelu(-z) = z."""
    z = numbers(50)
    assert distance(GELU().value(z) - GELU().value(-z), z) < FORMULA


def test_the_derivative_at_zero_is_a_half() -> None:
    z = torch.zeros(1, dtype=torch.float64)
    assert GELU().derivative(z, GELU().value(z)).item() == 0.5
