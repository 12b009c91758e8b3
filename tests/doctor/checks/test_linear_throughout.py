"""Layers without an activation between them."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import classify, findings, rows, signs, train


def two(*between: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Linear(6, 16), *between, nn.Linear(16, 3))


@pytest.mark.parametrize(
    "between", [(), (nn.Dropout(0.2),), (nn.BatchNorm1d(16),), (nn.Linear(16, 16), nn.Identity())], ids=str
)
def test_they_are_one(between: tuple[nn.Module, ...]) -> None:
    (found,) = findings(lambda: classify(two(*between)))
    number = sum(isinstance(layer, nn.Linear) for layer in between) + 2
    assert found.sign == "linear throughout"
    assert f"The {number} layers of weights have nothing between them that bends" in found.seen


def regression(model: nn.Module, y: Tensor | None = None) -> None:
    x = rows()[0]
    target = x if y is None else y
    train(model, lambda: (model(x) - target).square().mean(), lr=0.01)


def test_of_a_loss_by_hand() -> None:
    model = nn.Sequential(nn.Linear(6, 16), nn.Linear(16, 1))
    assert signs(lambda: regression(model, torch.zeros(64, 1))) == ["linear throughout"]


class Sum(nn.Module):
    """Two linear parts beside each other."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = nn.Linear(6, 3), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.one(x) + self.other(x.square())


class Gate(Sum):
    """One part times the other: no straight line."""

    def forward(self, x: Tensor) -> Tensor:
        return self.one(x) * self.other(x)


@pytest.mark.parametrize(
    "model",
    [two(nn.ReLU()), two(nn.LayerNorm(16)), nn.Linear(6, 3), Sum(), Gate()],
    ids=["ReLU", "layer norm", "one layer", "beside each other", "a product"],
)
def test_they_are_more(model: nn.Module) -> None:
    assert signs(lambda: classify(model)) == []


def test_a_narrow_middle_is_meant() -> None:
    assert signs(lambda: regression(nn.Sequential(nn.Linear(6, 2), nn.Linear(2, 6)))) == []


def test_an_activation_of_a_function_is_one() -> None:
    model = nn.ModuleList([nn.Linear(6, 16), nn.Linear(16, 3)])
    x, y = rows()
    assert signs(lambda: train(model, lambda: F.cross_entropy(model[1](model[0](x).clamp(min=0)), y))) == []
