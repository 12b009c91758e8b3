"""`p += lr * p.grad`."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import findings, net, rows, signs


def by_hand(loss_of: Callable[[Tensor, Tensor], Tensor], lr: float) -> None:
    """Two tensors, moved by `lr` times their gradients."""
    x, y = rows()
    w, b = torch.randn(6, 3, requires_grad=True), torch.zeros(3, requires_grad=True)
    for _ in range(12):
        loss_of(x @ w + b, y).backward()
        with torch.no_grad():
            for p in (w, b):
                p += lr * p.grad
                p.grad.zero_()


def on_a_module(lr: float) -> None:
    (x, y), model = rows(), net()
    for _ in range(12):
        model.zero_grad()
        F.cross_entropy(model(x), y).backward()
        for p in model.parameters():
            p.data.add_(p.grad, alpha=lr)


def squared(logits: Tensor, y: Tensor) -> Tensor:
    return ((logits - F.one_hot(y, 3).float()) ** 2).mean()


@pytest.mark.parametrize(
    ("loop", "name"),
    [
        (lambda: by_hand(F.cross_entropy, 0.1), "cross_entropy"),
        (lambda: by_hand(squared, 0.01), "squared difference"),
        (lambda: on_a_module(0.1), "cross_entropy"),
    ],
    ids=["tensors", "a loss by hand", "a module"],
)
def test_uphill(loop: Callable[[], None], name: str) -> None:
    (found,) = findings(loop)
    assert found.sign == "gradient added"
    assert f"along the gradient, to where {name} is larger, in all 11 updates seen" in found.seen


def attack() -> None:
    """What goes uphill are the rows."""
    (x, y), model = rows(), net().requires_grad_(False)
    x.requires_grad_()
    for _ in range(12):
        F.cross_entropy(model(x), y).backward()
        with torch.no_grad():
            x += 0.1 * x.grad
            x.grad.zero_()


def likelihood() -> None:
    by_hand(lambda logits, y: nn.functional.log_softmax(logits, 1)[range(64), y].mean(), 0.1)


@pytest.mark.parametrize(
    "right",
    [
        lambda: by_hand(F.cross_entropy, -0.1),
        lambda: by_hand(lambda logits, y: -F.cross_entropy(logits, y), 0.1),
        lambda: on_a_module(-0.1),
        attack,
        likelihood,
    ],
    ids=["downhill", "minus the loss", "a module", "an attack", "a likelihood"],
)
def test_downhill(right: Callable[[], None]) -> None:
    assert signs(right) == []
