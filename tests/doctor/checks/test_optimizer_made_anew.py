"""An optimizer within the loop, where it forgets."""

from collections.abc import Callable

import pytest
import torch
from torch import nn, optim
from torch.nn import functional as F  # noqa: N812
from torch.utils.data import DataLoader, TensorDataset

from tests.doctor.loops import findings, net, rows, signs

Make = Callable[[nn.Module], optim.Optimizer]


def adam(model: nn.Module) -> optim.Optimizer:
    return optim.Adam(model.parameters(), lr=0.01)


def momentum(model: nn.Module) -> optim.Optimizer:
    return optim.SGD(model.parameters(), lr=0.05, momentum=0.9)


def plain(model: nn.Module) -> optim.Optimizer:
    return optim.SGD(model.parameters(), lr=0.05)


def step(model: nn.Module, optimizer: optim.Optimizer, x: torch.Tensor, y: torch.Tensor) -> None:
    optimizer.zero_grad()
    F.cross_entropy(model(x), y).backward()
    optimizer.step()


def each_step(make: Make) -> None:
    (x, y), model = rows(), net()
    for _ in range(12):
        step(model, make(model), x, y)


def each_epoch(make: Make, *, task: bool = False, begin: bool = False, load: bool = False) -> None:
    """Eight epochs: over the same rows or each time others, from where it was or anew, with what was or without."""
    data, model, before = TensorDataset(*rows()), net(), None
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    for _ in range(8):
        optimizer = make(model)
        if load and before is not None:
            optimizer.load_state_dict(before.state_dict())
        before = optimizer
        if begin:
            model.load_state_dict(weights)
        for x, y in DataLoader(TensorDataset(*rows()) if task else data, 8, shuffle=True):
            step(model, optimizer, x, y)


@pytest.mark.parametrize("make", [adam, momentum])
def test_it_forgets(make: Make) -> None:
    (found,) = findings(lambda: each_step(make))
    assert found.sign == "optimizer made anew"
    assert f"12 optimizers, each a new {'Adam' if make is adam else 'SGD'}," in found.seen
    assert "step(" in str(found.where)


def test_once_an_epoch() -> None:
    (found,) = findings(lambda: each_epoch(adam))
    assert (found.sign, found.seen[:12]) == ("optimizer made anew", "8 optimizers")


@pytest.mark.parametrize(
    "loop",
    [
        lambda: each_step(plain),
        lambda: each_epoch(adam, task=True),
        lambda: each_epoch(adam, begin=True),
        lambda: each_epoch(adam, load=True),
    ],
    ids=["nothing to forget", "a task each", "weights begun anew", "what it remembers is loaded"],
)
def test_where_nothing_is_lost(loop: Callable[[], None]) -> None:
    assert signs(loop) == []
