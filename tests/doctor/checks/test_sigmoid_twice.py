"""Probabilities go into binary_cross_entropy_with_logits."""

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import findings, net, rows, signs, train


def loop(last: nn.Module) -> None:
    (x, y), model = rows(num_classes=2), nn.Sequential(net(1), last)
    train(model, lambda: F.binary_cross_entropy_with_logits(model(x).squeeze(1), y.float()))


def test_a_sigmoid_before_the_loss() -> None:
    assert signs(lambda: loop(nn.Sigmoid())) == ["sigmoid twice"]


def of_probabilities(*layers: nn.Module) -> None:
    (x, y), model = rows(num_classes=2), nn.Sequential(net(1), *layers)
    train(model, lambda: F.binary_cross_entropy(torch.sigmoid(model(x)).squeeze(1), y.float()))


def test_one_in_the_model_and_one_in_the_loop() -> None:
    (found,) = findings(lambda: of_probabilities(nn.Sigmoid()))
    assert found.sign == "sigmoid twice"
    assert "two sigmoids" in found.seen
    assert signs(of_probabilities) == []


def test_none_before_it() -> None:
    assert signs(lambda: loop(nn.Identity())) == []


def test_a_validation_loss_without_gradient_hides_nothing() -> None:
    def validated() -> None:
        (x, y), model = rows(num_classes=2), nn.Sequential(net(1), nn.Sigmoid())
        for _ in range(4):
            train(model, lambda: F.binary_cross_entropy_with_logits(model(x).squeeze(1), y.float()), steps=8)
            with torch.no_grad():
                F.binary_cross_entropy_with_logits(model(x).squeeze(1), y.float())

    assert signs(validated) == ["sigmoid twice"]
