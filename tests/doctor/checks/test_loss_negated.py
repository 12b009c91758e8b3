"""Uphill."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn, optim
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import findings, net, rows, signs, train


def loop(loss_of: Callable[[Tensor, Tensor], Tensor], *, maximize: bool = False) -> None:
    (x, y), model = rows(), net()
    optimizer = optim.SGD(model.parameters(), lr=0.01, maximize=maximize)
    for _ in range(12):
        optimizer.zero_grad()
        loss_of(model(x), y).backward()
        optimizer.step()


def minus_difference(logits: Tensor, y: Tensor) -> Tensor:
    return -((logits - F.one_hot(y, 3).float()) ** 2).mean()


@pytest.mark.parametrize(
    ("loss_of", "name"),
    [
        (lambda logits, y: -F.cross_entropy(logits, y), "cross_entropy"),
        (lambda logits, y: -F.nll_loss(F.log_softmax(logits, 1), y), "nll_loss"),
        (minus_difference, "squared difference"),
        (lambda logits, y: -2 * F.cross_entropy(logits, y), "-2 times what cross_entropy"),
        (lambda logits, y: 5 - 3 * F.cross_entropy(logits, y), "-3 times what cross_entropy gave, and 5"),
        (lambda logits, y: 10 * minus_difference(logits, y), "-10 times what squared difference"),
    ],
)
def test_minus_the_loss(loss_of: Callable[[Tensor, Tensor], Tensor], name: str) -> None:
    (found,) = findings(lambda: loop(loss_of))
    assert found.sign == "loss negated"
    what = name if " times " in name else f"minus what {name} gave ("
    assert f"In all 12 rounds seen, backward got {what}" in found.seen
    assert "backward()" in str(found.where) or "return -" in str(found.where)


def test_maximize() -> None:
    (found,) = findings(lambda: loop(F.cross_entropy, maximize=True))
    assert (found.sign, "the optimizer has maximize=True" in found.seen) == ("loss negated", True)


def attack() -> None:
    """What is moved are the rows."""
    (x, y), model, away = rows(), net(), torch.zeros(64, 6, requires_grad=True)
    optimizer = optim.SGD([away], lr=0.1)
    for _ in range(12):
        optimizer.zero_grad()
        (-F.cross_entropy(model(x + away), y)).backward()
        optimizer.step()


def evidence_bound() -> None:
    """Minus one part of a loss."""
    (x, y), model = rows(), net()
    train(model, lambda: F.cross_entropy(model(x), y) - 0.01 * model(x).square().mean(), steps=12)


def less_than_another() -> None:
    """A loss that is subtracted from another one, which falls."""
    (x, y), model = rows(), net()

    def loss() -> Tensor:
        whole = F.cross_entropy(model(x), y)
        return whole - 0.1 * F.cross_entropy(model(x[:8]), y[:8])

    train(model, loss, steps=12)


def log_probability() -> None:
    (x, y), model = rows(), nn.Sequential(net(), nn.LogSoftmax(1))
    train(model, lambda: -model(x)[range(64), y].mean(), steps=12)


@pytest.mark.parametrize(
    "right",
    [
        attack,
        evidence_bound,
        less_than_another,
        log_probability,
        lambda: loop(lambda out, y: -F.cross_entropy(out, y), maximize=True),
    ],
    ids=["an attack", "a part of it", "less than another", "a likelihood by hand", "twice"],
)
def test_downhill(right: Callable[[], None]) -> None:
    assert signs(right) == []


def of_logs(sign: float, maximize: bool = False) -> None:
    """The loss of log probabilities that were picked by hand."""
    (x, y), model = rows(), net()
    optimizer = optim.SGD(model.parameters(), lr=0.1, maximize=maximize)
    for _ in range(30):
        picked = F.log_softmax(model(x), 1)[torch.arange(64), y].mean()
        optimizer.zero_grad()
        (picked if sign > 0 else -picked).backward()
        optimizer.step()


def test_log_probabilities_without_a_minus() -> None:
    (found,) = findings(lambda: of_logs(1))
    assert found.sign == "loss negated"
    assert "each update makes the right answers less probable" in found.seen


def test_with_a_minus_or_maximized_and_those_of_a_policy() -> None:
    (x, y), model = rows(), net()

    def policy() -> Tensor:
        gained = torch.randn(64)
        return (F.log_softmax(model(x), 1)[torch.arange(64), y] * gained).mean()

    assert signs(lambda: of_logs(-1)) == []
    assert signs(lambda: of_logs(1, maximize=True)) == []
    assert signs(lambda: train(model, policy)) == []
