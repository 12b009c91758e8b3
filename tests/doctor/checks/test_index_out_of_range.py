"""An embedding is asked for a row that it has not."""

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import broken, signs, train


def loop(first: int) -> None:
    words, model = torch.arange(first, first + 10).view(5, 2), nn.Sequential(nn.Embedding(10, 4), nn.Flatten())
    train(model, lambda: F.cross_entropy(model(words), torch.arange(5)))


def test_words_counted_from_1() -> None:
    (found,) = broken(lambda: loop(1), IndexError)
    assert found.sign == "index out of range"
    assert "The layer 0 = Embedding(10, 4)" in found.seen


def test_words_counted_from_0() -> None:
    assert signs(lambda: loop(0)) == []
