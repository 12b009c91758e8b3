"""Probabilities go into binary_cross_entropy_with_logits."""

from torch import nn
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import net, rows, signs, train


def loop(last: nn.Module) -> None:
    (x, y), model = rows(num_classes=2), nn.Sequential(net(1), last)
    train(model, lambda: F.binary_cross_entropy_with_logits(model(x).squeeze(1), y.float()))


def test_a_sigmoid_before_the_loss() -> None:
    assert signs(lambda: loop(nn.Sigmoid())) == ["sigmoid twice"]


def test_none_before_it() -> None:
    assert signs(lambda: loop(nn.Identity())) == []
