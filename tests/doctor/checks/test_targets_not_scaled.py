"""The targets are far from the size of a network's first answers."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import findings, net, signs, train


def loop(loss: Callable[[Tensor, Tensor], Tensor], mean: float, deviation: float, lr: float, steps: int = 60) -> None:
    x, model = torch.randn(64, 6), net(1)
    y = x[:, :1] * deviation + mean
    train(model, lambda: loss(model(x), y), steps, lr)


@pytest.mark.parametrize(
    ("loss", "mean", "lr"), [(F.mse_loss, 250_000, 1e-9), (F.l1_loss, -250_000, 0.1), (nn.SmoothL1Loss(), 250_000, 0.1),
     (lambda z, y: ((z - y) ** 2).mean(), 250_000, 1e-9), (lambda z, y: (y - z).abs().mean(), 250_000, 0.1)],
)  # fmt: skip
def test_prices(loss: Callable[[Tensor, Tensor], Tensor], mean: float, lr: float) -> None:
    (found,) = findings(lambda: loop(loss, mean, 50_000, lr))
    assert found.sign == "targets not scaled"
    assert "answering their mean for every row would be better" in found.seen


@pytest.mark.parametrize(("mean", "deviation", "lr"), [(0, 1, 0.1), (3, 1, 0.1), (300, 1, 1e-3)])
def test_targets_that_are_scaled_and_a_loss_that_falls(mean: float, deviation: float, lr: float) -> None:
    assert signs(lambda: loop(F.mse_loss, mean, deviation, lr)) == []
