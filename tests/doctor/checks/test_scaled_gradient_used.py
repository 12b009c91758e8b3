"""An update past the scaler."""

import pytest
import torch
from torch import optim
from torch.nn import functional as F  # noqa: N812

import fivestep as fs
from tests.doctor.loops import findings, net, rows, signs


def loop(way: str, fused: bool = False) -> None:
    (x, y), model = rows(), net()
    optimizer, scaler = optim.Adam(model.parameters(), fused=fused), torch.amp.GradScaler("cpu", enabled=way != "off")
    for _ in range(10):
        optimizer.zero_grad()
        scaler.scale(F.cross_entropy(model(x), y)).backward()
        if way == "scaler":
            scaler.step(optimizer)
        elif way == "divided":
            for p in model.parameters():
                p.grad /= scaler.get_scale()
            optimizer.step()
        else:
            if way == "unscaled":
                scaler.unscale_(optimizer)
            optimizer.step()
        scaler.update() if way in ("scaler", "unscaled") else None


def test_an_update_past_the_scaler() -> None:
    (found,) = findings(lambda: loop("past"))
    assert found.sign == "scaled gradient used"
    assert "In 10 of 10 updates seen, the gradient was still multiplied by the scaler's factor, 65,536" in found.seen


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("way", ["scaler", "unscaled", "divided", "off"])
def test_an_update_with_the_gradient_itself(way: str, fused: bool) -> None:
    assert signs(lambda: loop(way, fused)) == []


def test_the_loss_is_said_without_the_factor() -> None:
    with fs.watch() as seen:
        loop("scaler")
    assert 0 < max(seen.record.losses) < 3
