import torch

from fivestep.activations.softsign import Softsign
from fivestep.activations.tanh import Tanh
from tests.contracts.cases import Case

CASES = [Case(pairs=False)]


def test_worked_example() -> None:
    """3 / (1 + 3) = 3/4, with derivative 1 / 16."""
    z = torch.tensor([-3.0, 0.0, 1.0, 3.0])
    a = Softsign().value(z)
    assert a.tolist() == [-0.75, 0, 0.5, 0.75]
    assert Softsign().derivative(z, a).tolist() == [1 / 16, 1, 1 / 4, 1 / 16]


def test_far_out_it_learns_where_tanh_does_not() -> None:
    z = torch.tensor([30.0])
    assert Tanh().derivative(z, Tanh().value(z)) == 0
    assert Softsign().derivative(z, Softsign().value(z)) > 1e-3
