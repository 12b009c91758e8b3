import torch

from fivestep.activations.gelu import GELU
from fivestep.activations.gelu_tanh import GELUTanh
from tests.tolerances import PRINTED, distance


def test_worked_example() -> None:
    """u = 0.797885 (1 + 0.044715) = 0.833562; (1 + tanh u) / 2 = (1 + 0.682384) / 2 = 0.8412; f(-1) = f(1) - 1."""
    assert distance(GELUTanh().value(torch.tensor([-1.0, 0.0, 1.0])), torch.tensor([-0.1588, 0, 0.8412])) < PRINTED


def test_it_differs_from_the_exact_form_by_less_than_the_docstring_says() -> None:
    z = torch.linspace(-10, 10, 20_001, dtype=torch.float64)
    assert 4e-4 < (GELUTanh().value(z) - GELU().value(z)).abs().max() < 5e-4
