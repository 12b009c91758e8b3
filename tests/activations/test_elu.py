import pytest
import torch

from fivestep.activations.elu import ELU
from fivestep.check import InputError
from tests.contracts.cases import Case
from tests.tolerances import PRINTED, distance

CASES = [Case(), Case({"alpha": 2.5}, pairs=False)]


def test_worked_example() -> None:
    """With alpha = 2: 2 (1/e - 1) = 2 * -0.632121 = -1.2642, where the derivative is -1.2642 + 2 = 0.7358 = 2/e."""
    z, elu = torch.tensor([-1.0, 0.0, 3.0]), ELU(2.0)
    assert distance(elu.value(z), torch.tensor([-1.2642, 0, 3])) < PRINTED
    assert distance(elu.derivative(z, elu.value(z)), torch.tensor([0.7358, 2, 1])) < PRINTED


def test_far_below_zero_it_ends_at_minus_alpha() -> None:
    assert ELU(0.5).value(torch.tensor([-1e4])).item() == -0.5


def test_near_zero_it_keeps_its_digits() -> None:
    """exp(z) - 1 computed as written would give 0 for z = -1e-18."""
    assert ELU().value(torch.tensor([-1e-18], dtype=torch.float64)).item() == -1e-18


@pytest.mark.parametrize("alpha", [0, -1.0, float("inf"), "1"])
def test_an_alpha_that_is_not_positive_is_refused(alpha: object) -> None:
    with pytest.raises(InputError, match=r"alpha must be a finite number greater than 0, got .*; 1 is usual"):
        ELU(alpha)  # type: ignore[arg-type]
