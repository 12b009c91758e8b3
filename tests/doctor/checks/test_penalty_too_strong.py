"""A penalty on the weights that is larger than the loss."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn, optim
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import findings, net, rows, signs

Penalty = Callable[[nn.Module], Tensor]


def squares(model: nn.Module) -> Tensor:
    return torch.stack([p.pow(2).sum() for p in model.parameters()]).sum()


def norms(model: nn.Module) -> Tensor:
    return sum((p.norm() for p in model.parameters()), torch.zeros(()))


def sizes(model: nn.Module) -> Tensor:
    return torch.stack([p.abs().sum() for p in model.parameters()]).sum()


def loop(kind: type[optim.Optimizer], lr: float, penalty: Penalty, strength: float, steps: int = 60) -> None:
    (x, y), model = rows(), net()
    optimizer = kind(model.parameters(), lr=lr)
    for _ in range(steps):
        loss = F.cross_entropy(model(x), y) + strength * penalty(model)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@pytest.mark.parametrize(
    ("kind", "lr", "penalty", "strength"),
    [
        (optim.SGD, 0.1, squares, 1.0),
        (optim.SGD, 0.001, squares, 1.0),
        (optim.Adam, 0.001, norms, 1.0),
        (optim.Adam, 0.003, sizes, 0.1),
    ],
    ids=["all gone", "slowly", "norms, Adam", "L1, Adam"],
)
def test_it_drowns_the_loss(kind: type[optim.Optimizer], lr: float, penalty: Penalty, strength: float) -> None:
    (found,) = findings(lambda: loop(kind, lr, penalty, strength))
    assert found.sign == "penalty too strong"
    assert "cross_entropy itself does not fall: the penalty that was added to it began at " in found.seen
    assert "0.0001" in found.advice


@pytest.mark.parametrize(
    ("kind", "lr", "penalty", "strength"),
    [
        (optim.SGD, 0.1, squares, 1e-4),
        (optim.SGD, 0.1, squares, 1e-2),
        (optim.Adam, 0.01, sizes, 1e-4),
        (optim.Adam, 0.01, lambda model: 5 - 0.1 * squares(model), 1.0),
    ],
    ids=["weak", "as strong as it may be", "L1", "away from 0"],
)
def test_one_that_does_not(kind: type[optim.Optimizer], lr: float, penalty: Penalty, strength: float) -> None:
    assert signs(lambda: loop(kind, lr, penalty, strength)) == []
