import math

import torch

from fivestep.activations.sigmoid import Sigmoid
from tests.tolerances import PRINTED, distance


def test_worked_example() -> None:
    """1 / (1 + exp(-ln 3)) = 1 / (1 + 1/3) = 3/4; its derivative is 3/4 * 1/4 = 3/16."""
    z = torch.tensor([-math.log(3), 0, math.log(3)])
    a = Sigmoid().value(z)
    assert distance(a, torch.tensor([0.25, 0.5, 0.75])) < PRINTED
    assert distance(Sigmoid().derivative(z, a), torch.tensor([0.1875, 0.25, 0.1875])) < PRINTED
