import torch

from fivestep.activations.relu import ReLU
from fivestep.activations.relu6 import ReLU6
from tests.contracts.cases import Case

CASES = [Case(pairs=False)]


def test_worked_example() -> None:
    z = torch.tensor([-1.0, 0.0, 3.0, 6.0, 7.0])
    a = ReLU6().value(z)
    assert a.tolist() == [0, 0, 3, 6, 6]
    assert ReLU6().derivative(z, a).tolist() == [0, 0, 1, 0, 0]


def test_below_six_it_is_relu() -> None:
    z = torch.linspace(-6, 5.99, 100)
    assert torch.equal(ReLU6().value(z), ReLU().value(z))
