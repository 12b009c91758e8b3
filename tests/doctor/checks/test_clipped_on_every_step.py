"""A limit that is far below every gradient."""

import pytest
import torch
from torch import nn, optim
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import findings, net, signs


def loop(limit: float, lr: float = 0.01) -> None:
    x, model = torch.randn(64, 6), net(1)
    y = 50 + 30 * x[:, :1]
    optimizer = optim.SGD(model.parameters(), lr=lr)
    for _ in range(40):
        optimizer.zero_grad()
        F.mse_loss(model(x), y).backward()
        nn.utils.clip_grad_norm_(model.parameters(), limit)
        optimizer.step()


def test_it_is_said_how_often_and_by_how_much() -> None:
    (found,) = [one for one in findings(lambda: loop(0.01)) if one.sign == "clipped on every step"]
    assert "in 30 of 30 calls seen the gradient was more than ten times its limit of 0.01" in found.seen


@pytest.mark.parametrize(("limit", "lr"), [(1e6, 0.001), (5.0, 0.1)], ids=["none acts", "each acts, and it learns"])
def test_while_the_loss_falls_nothing_is_said(limit: float, lr: float) -> None:
    assert signs(lambda: loop(limit, lr)) == []
