import torch

from fivestep.activations.mish import Mish
from tests.tolerances import PRINTED, distance


def test_worked_example() -> None:
    """softplus(1) = ln(1 + e) = 1.313262, tanh of it 0.865098. At 0: tanh(ln 2) = (2 - 1/2) / (2 + 1/2) = 0.6 = f'."""
    z = torch.tensor([0.0, 1.0])
    a = Mish().value(z)
    assert distance(a, torch.tensor([0, 0.8651])) < PRINTED
    assert distance(Mish().derivative(z, a), torch.tensor([0.6, 1.0490])) < PRINTED
