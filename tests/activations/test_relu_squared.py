import torch

from fivestep.activations.relu_squared import ReLUSquared


def test_worked_example() -> None:
    """3^2 = 9 with derivative 2 * 3 = 6; nothing below 0."""
    z = torch.tensor([-2.0, 0.0, 0.5, 3.0])
    a = ReLUSquared().value(z)
    assert a.tolist() == [0, 0, 0.25, 9]
    assert ReLUSquared().derivative(z, a).tolist() == [0, 0, 1, 6]
