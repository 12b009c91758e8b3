import torch

from fivestep.activations.gelu import GELU
from tests.tolerances import PRINTED, distance


def test_worked_example() -> None:
    """2 Phi(2) = 2 * 0.977250 = 1.9545, and -2 Phi(-2) = -2 * 0.022750 = -0.0455."""
    z = torch.tensor([-2, -0.5, 0, 0.5, 2])
    assert distance(GELU().value(z), torch.tensor([-0.0455, -0.1543, 0, 0.3457, 1.9545])) < PRINTED
