"""Backward is called on more than one number."""

from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import broken, net, rows, signs, train


def loop(reduction: str) -> None:
    (x, y), model = rows(), net()
    train(model, lambda: F.cross_entropy(model(x), y, reduction=reduction), lr=0.001)


def test_a_loss_for_each_row() -> None:
    (found,) = broken(lambda: loop("none"), RuntimeError)
    assert found.sign == "loss of many numbers"


def test_one_loss() -> None:
    assert signs(lambda: loop("sum")) == []
