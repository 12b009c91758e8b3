"""The loss is not a finite number."""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import findings, net, rows, signs, train


def loop(broken: float, lr: float = 0.1) -> None:
    (x, y), model = rows(), net()
    x[3, 2] = broken
    train(model, lambda: F.cross_entropy(model(x), y), steps=10, lr=lr)


def test_rows_with_a_hole() -> None:
    (found,) = findings(lambda: loop(float("nan")))
    assert found.sign == "no number"
    assert (
        "The loss is nan after 0 updates: what goes into Sequential has numbers in it that are not finite" in found.seen
    )


def test_a_logarithm_of_zero() -> None:
    x, model = torch.zeros(8, 6), net(1)

    def loss() -> Tensor:
        return (model(x).mean() * 0).log()

    (found,) = findings(lambda: train(model, loss, steps=3))
    assert found.sign == "no number"
    assert "while all inputs seen are finite" in found.seen


def test_whole_rows() -> None:
    assert signs(lambda: loop(0.5)) == []
