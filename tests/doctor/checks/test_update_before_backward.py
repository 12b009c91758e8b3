"""The update comes between the loss and its backward pass."""

import pytest
from torch import nn, optim
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import rows, signs


def loop(too_early: bool, by_hand: bool) -> None:
    (x, y), model = rows(), nn.Linear(6, 3)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    for _ in range(10):
        loss = (model(x) - F.one_hot(y, 3)).square().mean() if by_hand else F.cross_entropy(model(x), y)
        if too_early:
            optimizer.step()
        optimizer.zero_grad()
        loss.backward()
        if not too_early:
            optimizer.step()


@pytest.mark.parametrize("by_hand", [False, True])
def test_an_update_before_backward(by_hand: bool) -> None:
    assert signs(lambda: loop(too_early=True, by_hand=by_hand)) == ["update before backward"]


@pytest.mark.parametrize("by_hand", [False, True])
def test_one_after_it(by_hand: bool) -> None:
    assert signs(lambda: loop(too_early=False, by_hand=by_hand)) == []
