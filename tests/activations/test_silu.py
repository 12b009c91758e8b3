import torch

from fivestep.activations.silu import SiLU
from tests.tolerances import PRINTED, distance


def test_worked_example() -> None:
    """sigmoid(1) = 1 / (1 + 0.367879) = 0.731059; -1 * (1 - 0.731059) = -0.268941; f'(1) = 0.7311 (1 + 0.2689)."""
    z = torch.tensor([-1.0, 0.0, 1.0])
    a = SiLU().value(z)
    assert distance(a, torch.tensor([-0.2689, 0, 0.7311])) < PRINTED
    assert distance(SiLU().derivative(z, a), torch.tensor([0.0723, 0.5, 0.9277])) < PRINTED


def test_its_least_value_is_where_the_docstring_says() -> None:
    z = torch.linspace(-5, 5, 100_001, dtype=torch.float64)
    a = SiLU().value(z)
    assert distance(torch.stack([z[a.argmin()], a.min()]), torch.tensor([-1.2785, -0.2785]).double()) < PRINTED
