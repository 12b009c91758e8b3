import torch

from fivestep.activations.tanh import Tanh
from tests.tolerances import PRINTED, distance


def test_worked_example() -> None:
    """tanh(1) = (e - 1/e) / (e + 1/e) = 2.350402 / 3.086161 = 0.761594; 1 - 0.761594^2 = 0.419974."""
    z = torch.tensor([-1.0, 0.0, 1.0])
    a = Tanh().value(z)
    assert distance(a, torch.tensor([-0.7616, 0, 0.7616])) < PRINTED
    assert distance(Tanh().derivative(z, a), torch.tensor([0.4200, 1, 0.4200])) < PRINTED
