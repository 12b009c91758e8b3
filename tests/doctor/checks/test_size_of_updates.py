"""Each update is far too large, or far too small, for the weights it moves."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import classify, findings, net, signs, train


@pytest.mark.parametrize(("lr", "advice"), [(1e-7, "larger"), (20.0, "smaller")])
def test_a_rate_that_is_far_off(lr: float, advice: str) -> None:
    found = findings(lambda: classify(net(), steps=60, lr=lr))
    assert {one.sign for one in found} - {"dead units"} == {"size of updates"}  # far too large updates leave such
    assert advice in found[-1].advice


def test_a_rate_so_small_that_most_updates_are_rounded_to_nothing() -> None:
    def loop() -> None:
        x, y = torch.randn(256, 20), torch.randint(0, 2, (256,))
        for _ in range(3):
            model = nn.Linear(20, 2)
            optimizer = torch.optim.SGD(model.parameters(), 1e-9)
            for _ in range(200):
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()

    assert "size of updates" in signs(loop)


def test_one_that_is_not() -> None:
    assert signs(lambda: classify(net(), steps=60, lr=0.1)) == []


def test_small_ones_near_a_minimum() -> None:
    def loop() -> None:
        x, model = torch.randn(64, 2), nn.Linear(2, 1)
        y = x.sum(1, keepdim=True) + torch.randn(64, 1)
        with torch.no_grad():
            ones = torch.cat([x, torch.ones(64, 1)], 1)
            solution = torch.linalg.lstsq(ones, y).solution.squeeze(1)
            model.weight.copy_(solution[:2])
            model.bias.copy_(solution[2:] + 1e-4)
        train(model, lambda: F.mse_loss(model(x), y), steps=60, lr=0.05)

    assert signs(loop) == []
