"""A layer gets numbers of another type than its weights."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import broken, net, rows, signs, train


def loop(model: nn.Module, x: Tensor) -> None:
    train(model, lambda: F.cross_entropy(model(x), torch.zeros(len(x), dtype=torch.long)), steps=3)


@pytest.mark.parametrize(
    ("model", "x", "said", "advice"),
    [
        (net(), torch.zeros(4, 6, dtype=torch.float64), "0 = Linear(in_features=6", "x.to(torch.float32)"),
        (net(), torch.zeros(4, 6, dtype=torch.long), "takes float32, and got int64", "x.to(torch.float32)"),
        (nn.Sequential(nn.Conv2d(1, 3, 2), nn.Flatten()), torch.zeros(4, 1, 2, 2).byte(), "got uint8", "float32"),
        (nn.Sequential(nn.Embedding(5, 3), nn.Flatten()), torch.zeros(4, 1), "takes whole numbers", "x.long()"),
    ],
)
def test_numbers_of_another_type(model: nn.Module, x: Tensor, said: str, advice: str) -> None:
    (found,) = broken(lambda: loop(model, x), RuntimeError)
    assert found.sign == "types do not fit"
    assert said in found.seen
    assert advice in found.advice


def test_numbers_of_the_same() -> None:
    assert signs(lambda: loop(net(), rows()[0])) == []
