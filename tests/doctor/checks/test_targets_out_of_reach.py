"""Targets that the model cannot answer with, whatever its weights."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import findings, net, signs, train


def by_hand(prediction: Tensor, y: Tensor) -> Tensor:
    return ((y - prediction) ** 2).mean()


def loop(last: nn.Module, low: float, high: float, loss: Callable[[Tensor, Tensor], Tensor] = F.mse_loss) -> None:
    x, model = torch.randn(64, 6), nn.Sequential(net(1), last)
    y = low + (high - low) * x[:, :1].sigmoid()
    train(model, lambda: loss(model(x), y), steps=60)


@pytest.mark.parametrize(
    ("last", "low", "high"),
    [(nn.Sigmoid(), -3.0, 3.0), (nn.Tanh(), 0.0, 5.0), (nn.ReLU(), -3.0, 3.0), (nn.Sigmoid(), 0.0, 255.0)],
)
@pytest.mark.parametrize("loss", [F.mse_loss, F.l1_loss, by_hand])
def test_targets_beyond(last: nn.Module, low: float, high: float, loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    assert "targets out of reach" in signs(lambda: loop(last, low, high, loss))


@pytest.mark.parametrize(
    ("last", "low", "high"),
    [(nn.Sigmoid(), 0.0, 1.0), (nn.Tanh(), -1.0, 1.0), (nn.ReLU(), 0.0, 5.0), (nn.Identity(), -3.0, 3.0)],
)
@pytest.mark.parametrize("loss", [F.mse_loss, by_hand])
def test_targets_within(last: nn.Module, low: float, high: float, loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    assert signs(lambda: loop(last, low, high, loss)) == []


def test_what_is_said() -> None:
    (found,) = findings(lambda: loop(nn.Sigmoid(), -3.0, 3.0))
    assert "The outputs come from a sigmoid and lie between 0 and 1; the targets lie between -2." in found.seen
