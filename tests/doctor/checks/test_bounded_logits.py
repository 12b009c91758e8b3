"""Outputs that cannot take every size go into a loss that takes logits."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import classify, findings, net, rows, signs, train


def binary(last: nn.Module) -> None:
    (x, y), model = rows(num_classes=2), nn.Sequential(net(1), last)
    train(model, lambda: F.binary_cross_entropy_with_logits(model(x).squeeze(1), y.float()))


@pytest.mark.parametrize(
    ("last", "said"),
    [
        (nn.Sigmoid(), "no loss below 0.5514 can be reached"),  # log(1 + 2 / e)
        (nn.Tanh(), "no loss below 0.2395 can be reached"),  # log(1 + 2 / e^2)
        (nn.Hardtanh(0, 2), "no loss below 0.2395 can be reached"),
    ],
)
def test_before_cross_entropy(last: nn.Module, said: str) -> None:
    (found,) = findings(lambda: classify(nn.Sequential(net(), last)))
    assert found.sign == "bounded logits"
    assert said in found.seen


@pytest.mark.parametrize(("last", "lowest"), [(nn.ReLU(), "0.6931"), (nn.Tanh(), "0.3133")])
def test_before_the_binary_one(last: nn.Module, lowest: str) -> None:
    (found,) = findings(lambda: binary(last))
    assert found.sign == "bounded logits"
    assert f"no loss below {lowest}" in found.seen


def test_a_relu_that_keeps_the_loss_from_falling() -> None:
    model = nn.Sequential(net(), nn.ReLU())
    with torch.no_grad():
        model[0][2].bias -= 50
    assert "bounded logits" in signs(lambda: classify(model))


@pytest.mark.parametrize("last", [nn.ReLU(), nn.LeakyReLU(), nn.Hardtanh(-10, 10), nn.Identity()])
def test_outputs_without_bounds_and_a_relu_with_which_it_learns(last: nn.Module) -> None:
    assert signs(lambda: classify(nn.Sequential(net(), last), steps=60)) == []


@pytest.mark.parametrize(("last", "num_outputs"), [(nn.Sigmoid(), 3), (nn.ReLU(), 1)])
def test_a_validation_loss_without_gradient_hides_nothing(last: nn.Module, num_outputs: int) -> None:
    def validated() -> None:
        (x, y), model = rows(), nn.Sequential(net(num_outputs), last)

        def loss() -> torch.Tensor:
            if num_outputs > 1:
                return F.cross_entropy(model(x), y)
            return F.binary_cross_entropy_with_logits(model(x).squeeze(1), (y > 0).float())

        train(model, loss)
        with torch.no_grad():
            loss()

    assert signs(validated) == ["bounded logits"]
