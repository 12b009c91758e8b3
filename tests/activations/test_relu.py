import torch

from fivestep.activations.relu import ReLU


def test_worked_example() -> None:
    z = torch.tensor([-2, -0.5, 0, 0.5, 2])
    assert ReLU().value(z).tolist() == [0, 0, 0, 0.5, 2]
    assert ReLU().derivative(z, ReLU().value(z)).tolist() == [0, 0, 0, 1, 1]
