"""Weights that are moved back after each update."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import nn, optim
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import findings, net, rows, signs

After = Callable[[nn.Module, int], None]


def averaged(decay: float, every: int = 1, *, is_written: bool = True) -> Callable[[nn.Module], After]:
    """A moving average, which is written into the model after each update, or after every few."""

    def begin(model: nn.Module) -> After:
        average = {name: p.detach().clone() for name, p in model.state_dict().items()}

        def after(model: nn.Module, step: int) -> None:
            for name, p in model.state_dict().items():
                average[name].mul_(decay).add_(p, alpha=1 - decay)
            if is_written and step % every == 0:
                model.load_state_dict(average)

        return after

    return begin


def loop(begin: Callable[[nn.Module], After], rule: type[optim.Optimizer] = optim.Adam, lr: float = 0.01) -> None:
    (x, y), model = rows(), net()
    after, optimizer = begin(model), rule(model.parameters(), lr=lr)
    for step in range(60):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        with torch.no_grad():
            after(model, step)


@pytest.mark.parametrize("decay", [0.9, 0.99, 0.999])
@pytest.mark.parametrize(("rule", "lr"), [(optim.Adam, 0.01), (optim.SGD, 0.1)])
def test_a_moving_average_that_is_written_back(decay: float, rule: type[optim.Optimizer], lr: float) -> None:
    (found,) = findings(lambda: loop(averaged(decay), rule, lr))
    assert found.sign == "updates taken back"
    assert f"After 30 of 30 updates of {rule.__name__} seen" in found.seen
    assert f"back by {decay} of what" in found.seen
    assert f"its learning rate is {1 - decay:.2g} of what it says" in found.seen


def limited(_: nn.Module) -> After:
    """WGAN's: every number is kept in a small range, at whose ends nearly all are."""

    def after(model: nn.Module, _: int) -> None:
        for p in model.parameters():
            p.clamp_(-0.05, 0.05)

    return after


def normed(model: nn.Module) -> After:
    """Each row of a matrix keeps its length."""
    lengths = [p.norm(dim=-1, keepdim=True) for p in model.parameters()]

    def after(model: nn.Module, _: int) -> None:
        for p, length in zip(model.parameters(), lengths, strict=True):
            p.mul_(length / p.norm(dim=-1, keepdim=True))

    return after


def put_back(model: nn.Module) -> After:
    """The first updates are only tried."""
    first = copy.deepcopy(model.state_dict())

    def after(model: nn.Module, step: int) -> None:
        if step < 40:
            model.load_state_dict(first)

    return after


def a_half(model: nn.Module) -> After:
    """Slow weights, halfway to the fast ones."""
    slow = [p.detach().clone() for p in model.parameters()]

    def after(model: nn.Module, _: int) -> None:
        for p, q in zip(model.parameters(), slow, strict=True):
            q.lerp_(p, 0.5)
            p.copy_(q)

    return after


@pytest.mark.parametrize(
    "begin",
    [averaged(0.99, is_written=False), averaged(0.99, every=5), limited, normed, put_back, a_half],
    ids=["beside", "every five", "limited", "normed", "put back", "a half"],
)
def test_what_is_none(begin: Callable[[nn.Module], After]) -> None:
    assert "updates taken back" not in signs(lambda: loop(begin))


def test_an_average_beside_the_model_is_right() -> None:
    assert signs(lambda: loop(averaged(0.99, is_written=False))) == []
