import pytest
import torch

from fivestep.activations.relu import ReLU
from fivestep.activations.softplus import Softplus
from fivestep.check import InputError
from tests.contracts.cases import Case
from tests.tolerances import FORMULA, PRINTED, distance

CASES = [Case(), Case({"beta": 4.0}, pairs=False)]


def test_worked_example() -> None:
    """ln(1 + 1) = 0.6931; ln(1 + 3) = 1.3863, where the derivative is sigmoid(ln 3) = 3/4."""
    z = torch.tensor([1.0, 3.0]).log()
    a = Softplus().value(z)
    assert distance(a, torch.tensor([0.6931, 1.3863])) < PRINTED
    assert distance(Softplus().derivative(z, a), torch.tensor([0.5, 0.75])) < PRINTED


def test_right_minus_left_is_the_argument() -> None:
    """log(1 + e^z) - log(1 + e^-z) = z: both ends at once."""
    z = torch.tensor([0.0, 1e-8, 1.0, 30.0, 800.0, 1e12], dtype=torch.float64)
    assert distance(Softplus().value(z) - Softplus().value(-z), z) < FORMULA


def test_far_below_zero_it_keeps_its_digits() -> None:
    """log(1 + x) = x for a small x = exp(-40), which 1 + x in float64 would lose."""
    z = torch.tensor([-40.0], dtype=torch.float64)
    assert distance(Softplus().value(z), z.exp()) < FORMULA


def test_a_large_beta_is_relu() -> None:
    """At 0, where they differ most, by log(2) / beta = 0.6931 / 1000."""
    z = torch.linspace(-3, 3, 13, dtype=torch.float64)
    assert float((Softplus(1e3).value(z) - ReLU().value(z)).max()) == pytest.approx(0.6931e-3, rel=PRINTED)


@pytest.mark.parametrize("beta", [0.0, -1, float("nan"), "1"])
def test_a_beta_that_is_not_positive_is_refused(beta: object) -> None:
    with pytest.raises(InputError, match=r"beta must be a finite number greater than 0, got .*; 1 is usual"):
        Softplus(beta)  # type: ignore[arg-type]
