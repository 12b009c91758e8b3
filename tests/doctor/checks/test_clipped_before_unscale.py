"""Clipping that acts on gradients which mixed precision has multiplied."""

import pytest
import torch
from torch import nn, optim
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import findings, net, rows, signs


def loop(order: str, limit: float = 1.0, enabled: bool = True) -> None:
    """`order`: what comes between backward and the update."""
    (x, y), model = rows(), net()
    optimizer, scaler = optim.Adam(model.parameters()), torch.amp.GradScaler("cpu", enabled=enabled)
    for _ in range(10):
        optimizer.zero_grad()
        scaler.scale(F.cross_entropy(model(x), y)).backward()
        for word in order.split():
            if word == "unscale":
                scaler.unscale_(optimizer)
            elif word == "divide":
                for p in model.parameters():
                    p.grad /= scaler.get_scale()
            elif word == "clip":
                nn.utils.clip_grad_norm_(model.parameters(), limit)
            else:
                nn.utils.clip_grad_value_(model.parameters(), limit)
        scaler.step(optimizer)
        scaler.update()


@pytest.mark.parametrize("order", ["clip", "clip unscale", "clip_value"])
def test_clipping_before_the_factor_is_out(order: str) -> None:
    (found,) = findings(lambda: loop(order))
    assert found.sign == "clipped before unscale"
    assert "In 10 of 10 calls seen" in found.seen
    assert "65,536, was still in them: the limit of 1 is one of 1.526e-05" in found.seen
    assert "clip_grad_" in str(found.where)


@pytest.mark.parametrize(
    ("order", "limit", "enabled"),
    [("unscale clip", 1.0, True), ("divide clip", 1.0, True), ("clip", 65536.0, True), ("clip", 1.0, False)],
    ids=["unscaled", "divided by hand", "a limit that is multiplied too", "a scaler that does nothing"],
)
def test_clipping_of_the_gradient_itself(order: str, limit: float, enabled: bool) -> None:
    assert signs(lambda: loop(order, limit, enabled)) == []
