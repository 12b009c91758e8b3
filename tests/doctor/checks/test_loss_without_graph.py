"""backward is called on a loss that hangs on nothing."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import broken, findings, net, rows, signs, train


def loss(how: str) -> Tensor:
    x, y = rows()
    model = net()
    if how == "no_grad":
        with torch.no_grad():
            return F.cross_entropy(model(x), y)
    whole = F.cross_entropy(model(x), y)
    return whole if how == "whole" else torch.tensor(whole.item())


@pytest.mark.parametrize("how", ["no_grad", "item"])
def test_a_loss_that_was_cut_off(how: str) -> None:
    (found,) = broken(lambda: loss(how).backward(), RuntimeError)
    assert found.sign == "loss without graph"


@pytest.mark.parametrize(
    "cut", [lambda x: torch.tensor(x.item(), requires_grad=True), lambda x: x.detach().requires_grad_()]
)
def test_one_that_was_cut_off_and_told_to_require_a_gradient(cut: Callable[[Tensor], Tensor]) -> None:
    (x, y), model = rows(), net()
    (found,) = findings(lambda: train(model, lambda: cut(F.cross_entropy(model(x), y))))
    assert found.sign == "loss without graph"
    assert "gives no parameter a gradient" in found.seen


@pytest.mark.parametrize(
    "loss_of",
    [
        lambda logits, y: F.mse_loss(logits.argmax(1).float().requires_grad_(), y.float()),
        lambda logits, y: torch.tensor([F.cross_entropy(logits, y).item()] * 2, requires_grad=True).mean(),
    ],
    ids=["argmax", "a list of losses"],
)
def test_one_that_was_cut_off_further_up(loss_of: Callable[[Tensor, Tensor], Tensor]) -> None:
    (x, y), model = rows(), net()
    (found,) = findings(lambda: train(model, lambda: loss_of(model(x), y)))
    assert found.sign == "loss without graph"
    assert "requires_grad on what came after the cut" in found.seen


def test_a_loss_that_is_the_parameter() -> None:
    only = nn.ParameterList([nn.Parameter(torch.tensor(1.0))])
    assert signs(lambda: train(only, lambda: only[0], steps=5)) == []


def test_one_that_was_not() -> None:
    assert signs(lambda: train(net(), lambda: loss("whole"), steps=2)) == []
