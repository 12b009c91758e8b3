"""Small loops to plant a fault in, and what the doctor says of them."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn, optim
from torch.nn import functional as F  # noqa: N812

import fivestep as fs
from fivestep.diagnosis._finding import Finding


def signs(loop: Callable[[], object]) -> list[str]:
    """The names of all that is found wrong with it."""
    return [one.sign for one in findings(loop)]


def findings(loop: Callable[[], object]) -> tuple[Finding, ...]:
    torch.manual_seed(0)
    with fs.watch() as seen:
        loop()
    assert dict(seen.record.unseen) == {}
    return seen.findings


def broken(loop: Callable[[], object], error: type[Exception] | tuple[type[Exception], ...]) -> tuple[Finding, ...]:
    """All that is found wrong with a loop that ends with an error."""
    torch.manual_seed(0)
    with pytest.raises(error), fs.watch() as seen:
        loop()
    assert dict(seen.record.unseen) == {}
    return seen.findings


def rows(num_rows: int = 64, num_classes: int = 3) -> tuple[Tensor, Tensor]:
    """Rows whose class is the greatest of their first columns."""
    x = torch.randn(num_rows, 6)
    return x, x[:, :num_classes].argmax(1)


def net(num_outputs: int = 3) -> nn.Sequential:
    return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, num_outputs))


def train(model: nn.Module, loss_of: Callable[[], Tensor], steps: int = 30, lr: float = 0.1) -> None:
    """The five steps as they should be, of a loss that the caller makes."""
    optimizer = optim.SGD(model.parameters(), lr=lr)
    for _ in range(steps):
        loss = loss_of()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def classify(model: nn.Module, steps: int = 30, lr: float = 0.1) -> None:
    """The five steps for a model of three classes."""
    x, y = rows()
    train(model, lambda: F.cross_entropy(model(x), y), steps, lr)
