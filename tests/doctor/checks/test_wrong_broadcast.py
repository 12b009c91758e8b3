"""A column of predictions meets a flat row of targets, and the loss compares each with all."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import findings, signs, train

Loss = Callable[[Tensor, Tensor], Tensor]
BY_HAND: list[Loss] = [
    lambda answer, y: ((answer - y) ** 2).mean(),
    lambda answer, y: (y - answer).square().sum() / len(y),
    lambda answer, y: torch.sub(answer, y).abs().mean(),
]


def loop(loss: Loss, flat: bool) -> None:
    x, model = torch.randn(20, 3), nn.Linear(3, 1)
    y = x.sum(1)
    train(model, lambda: loss(model(x), y if flat else y.unsqueeze(1)), lr=0.01)


@pytest.mark.parametrize("loss", BY_HAND)
def test_by_hand(loss: Loss) -> None:
    assert signs(lambda: loop(loss, flat=True)) == ["wrong broadcast"]
    assert signs(lambda: loop(loss, flat=False)) == []


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize("loss", [F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss])
def test_torch_s_own(loss: Loss) -> None:
    (found,) = findings(lambda: loop(loss, flat=True))
    assert found.sign == "wrong broadcast"
    assert "(20, 1) are compared with numbers of shape (20,): torch makes 20 x 20" in found.seen
    assert signs(lambda: loop(loss, flat=False)) == []


def test_distances_between_all_rows_are_meant() -> None:
    places = nn.Parameter(torch.randn(4, 2))
    x = torch.randn(20, 2)
    model = nn.ParameterList([places])

    def loss() -> Tensor:
        return (x.unsqueeze(1) - places).square().sum(2).min(1).values.mean()

    assert signs(lambda: train(model, loss)) == []
