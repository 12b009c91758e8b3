"""Small batches whose gradients should add up, and do not."""

from collections.abc import Callable

import pytest
import torch
from torch import nn, optim
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import findings, net, rows, signs


def loop(clears_each: bool, every: int = 4) -> None:
    (x, y), model = rows(), net()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    for step in range(32):
        part = slice(step % 8 * 8, step % 8 * 8 + 8)
        if clears_each or step % every == 0:
            optimizer.zero_grad()
        (F.cross_entropy(model(x[part]), y[part]) / every).backward()
        if step % every == every - 1:
            optimizer.step()


def test_it_is_said_how_many_were_lost() -> None:
    (found,) = findings(lambda: loop(clears_each=True))
    assert found.sign == "gradient lost"
    assert "Before 8 of 8 updates seen, gradients were cleared that nothing had used: 23 backward" in found.seen


def skipped() -> None:
    """A batch is left out now and then."""
    (x, y), model = rows(), net()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    for step in range(30):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        if step % 3:
            optimizer.step()


def row_by_row() -> None:
    """The gradient of each row is clipped by itself, and their mean is used."""
    (x, y), model = rows(), net()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    for step in range(8):
        total = [torch.zeros_like(p) for p in model.parameters()]
        for row in range(step, step + 4):
            model.zero_grad()
            F.cross_entropy(model(x[row : row + 1]), y[row : row + 1]).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            torch._foreach_add_(total, [p.grad for p in model.parameters()])
        for p, gradient in zip(model.parameters(), total, strict=True):
            p.grad = gradient / 4
        optimizer.step()


def sharpness_aware() -> None:
    """One line calls backward at the weights, and at others beside them."""
    (x, y), model = rows(), net()
    optimizer = optim.SGD(model.parameters(), lr=0.1)

    def differentiate() -> None:
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()

    for _ in range(10):
        differentiate()
        moves = [0.05 * p.grad for p in model.parameters()]
        with torch.no_grad():
            torch._foreach_add_(list(model.parameters()), moves)
            differentiate_again = torch.enable_grad()(differentiate)
            differentiate_again()
            torch._foreach_sub_(list(model.parameters()), moves)
        optimizer.step()


@pytest.mark.parametrize(
    "right",
    [lambda: loop(clears_each=False), lambda: loop(clears_each=True, every=1), skipped, row_by_row, sharpness_aware],
    ids=["added up", "one by one", "skipped", "row by row", "sharpness-aware"],
)
def test_all_are_used_or_meant_for_something_else(right: Callable[[], None]) -> None:
    assert signs(right) == []
