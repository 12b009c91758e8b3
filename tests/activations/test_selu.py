import pytest
import torch
from torch import Tensor

from fivestep.activations.selu import SELU
from tests.tolerances import PRINTED, QUADRATURE, distance


def test_worked_example() -> None:
    """1.0507 * 1.6733 * (1/e - 1) = 1.758099 * -0.632121 = -1.1113; its derivative there is 1.758099 / e = 0.6468."""
    z = torch.tensor([-1.0, 0.0, 2.0])
    a = SELU().value(z)
    assert distance(a, torch.tensor([-1.1113, 0, 2.1014])) < PRINTED
    assert distance(SELU().derivative(z, a), torch.tensor([0.6468, 1.7581, 1.0507])) < PRINTED


def normal_mean(values: Tensor, z: Tensor) -> float:
    """E of a function of a standard normal z, by the trapezoidal rule."""
    return float(torch.trapezoid(values * torch.exp(-z * z / 2), z)) / (2 * torch.pi) ** 0.5


@pytest.mark.parametrize(("power", "moment"), [(1, 0.0), (2, 1.0)])
def test_mean_0_and_mean_square_1_stay_what_they_are(power: int, moment: float) -> None:
    z = torch.linspace(-12, 12, 240_001, dtype=torch.float64)
    assert abs(normal_mean(SELU().value(z) ** power, z) - moment) < QUADRATURE
