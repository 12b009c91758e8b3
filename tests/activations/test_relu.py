"""ReLU: worked values, and the kink."""

import torch

from fivestep.activations.relu import ReLU
from fivestep.layer import Memo
from tests.samples import numbers

Z = torch.tensor([-2, -0.5, 0, 0.5, 2], dtype=torch.float64)


def test_worked_values() -> None:
    assert ReLU().value(Z).tolist() == [0, 0, 0, 0.5, 2]


def test_derivative_is_zero_at_the_kink_and_below() -> None:
    assert ReLU().derivative(Z, ReLU().value(Z)).tolist() == [0, 0, 0, 1, 1]


def test_autograd_through_it_takes_the_same_derivative_at_the_kink() -> None:
    """torch.clamp would take 1 there, and a row whose inputs are all dropped would then train otherwise."""
    leaf = Z.clone().requires_grad_()
    ReLU().value(leaf).sum().backward()
    assert leaf.grad.tolist() == [0, 0, 0, 1, 1]  # type: ignore[union-attr]


def test_a_missing_number_stays_missing() -> None:
    assert ReLU().value(torch.tensor([torch.nan])).isnan().all()


def test_it_cuts_a_gradient_where_it_cut_the_value() -> None:
    z, memo = numbers(20, 5), Memo(training=True)
    a = ReLU().forward({}, z, memo)
    da = ReLU().backward({}, {}, torch.ones_like(z), memo)
    assert torch.equal(da == 0, a == 0)
