import pytest
import torch

from fivestep.activations.celu import CELU
from fivestep.activations.elu import ELU
from fivestep.check import InputError
from tests.contracts.cases import Case
from tests.samples import numbers
from tests.tolerances import FORMULA, PRINTED, distance

CASES = [Case(pairs=False), Case({"alpha": 2.0}, pairs=False)]


def test_worked_example() -> None:
    """2 (exp(-1) - 1) = -1.2642 at z = -2, where the derivative is exp(-1) = 0.3679; above 0, z and 1."""
    z = torch.tensor([-2.0, 0.0, 1.5])
    a = CELU(2.0).value(z)
    assert distance(a, torch.tensor([-1.2642, 0, 1.5])) < PRINTED
    assert distance(CELU(2.0).derivative(z, a), torch.tensor([0.3679, 1, 1])) < PRINTED


def test_with_alpha_one_it_is_elu() -> None:
    z = numbers(50)
    assert distance(CELU().value(z), ELU().value(z)) < FORMULA


@pytest.mark.parametrize("alpha", [0.5, 3.0])
def test_its_slope_has_no_jump_at_zero(alpha: float) -> None:
    z = torch.tensor([-1e-300, 1e-300], dtype=torch.float64)
    assert distance(CELU(alpha).derivative(z, CELU(alpha).value(z)), torch.ones(2, dtype=torch.float64)) < FORMULA


@pytest.mark.parametrize("alpha", [0, -1.0])
def test_an_alpha_that_is_not_positive_is_refused(alpha: float) -> None:
    with pytest.raises(InputError, match="alpha must be a finite number greater than 0, got"):
        CELU(alpha)
