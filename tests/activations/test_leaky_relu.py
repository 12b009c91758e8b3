import pytest
import torch

from fivestep.activations.leaky_relu import LeakyReLU
from fivestep.activations.relu import ReLU
from fivestep.check import InputError
from tests.contracts.cases import Case

CASES = [Case(), Case({"slope": 0.2}, pairs=False)]


def test_worked_example() -> None:
    """0.25 * -2 = -0.5; at 0 the derivative is the slope."""
    z, leaky = torch.tensor([-2.0, 0.0, 3.0]), LeakyReLU(0.25)
    assert leaky.value(z).tolist() == [-0.5, 0, 3]
    assert leaky.derivative(z, leaky.value(z)).tolist() == [0.25, 0.25, 1]


def test_slope_0_is_relu() -> None:
    z = torch.linspace(-3, 3, 13)
    assert torch.equal(LeakyReLU(0.0).value(z), ReLU().value(z))


@pytest.mark.parametrize("slope", [-0.1, 1, float("nan"), "0.1", True])
def test_a_slope_outside_its_range_is_refused(slope: object) -> None:
    with pytest.raises(InputError, match=r"slope must be a number in \[0, 1\), got .*; 0.01 is usual"):
        LeakyReLU(slope)  # type: ignore[arg-type]
