"""backward is called on a loss that hangs on nothing."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import broken, net, rows, signs, train


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


def test_one_that_was_not() -> None:
    assert signs(lambda: train(net(), lambda: loss("whole"), steps=2)) == []
