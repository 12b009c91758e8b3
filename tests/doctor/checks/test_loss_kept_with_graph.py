"""Losses are added up together with the graphs behind them."""

import pytest
from torch import Tensor, optim
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import net, rows, signs


def loop(kept: bool, before_backward: bool) -> None:
    (x, y), model, total = rows(), net(), 0.0
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    for _ in range(10):
        loss = F.cross_entropy(model(x), y)
        if before_backward:
            total += loss * len(x) if kept else loss.item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if not before_backward:
            total = total + (loss if kept else loss.detach())


@pytest.mark.parametrize("before_backward", [False, True])
def test_a_sum_of_tensors(before_backward: bool) -> None:
    assert signs(lambda: loop(True, before_backward)) == ["loss kept with graph"]


@pytest.mark.parametrize("before_backward", [False, True])
def test_a_sum_of_numbers(before_backward: bool) -> None:
    assert signs(lambda: loop(False, before_backward)) == []


def test_several_losses_for_one_backward() -> None:
    def together() -> None:
        (x, y), model = rows(), net()
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        for _ in range(10):
            loss: Tensor | float = 0.0
            for part in x.split(16):
                loss = loss + F.cross_entropy(model(part), y[: len(part)])
            optimizer.zero_grad()
            assert isinstance(loss, Tensor)
            loss.backward()
            optimizer.step()

    assert signs(together) == []
