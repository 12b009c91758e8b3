"""Batch norm measures a few numbers."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import findings, rows, signs, train


def loop(*sizes: int, norm: nn.Module | None = None) -> None:
    (x, y), model = rows(), nn.Sequential(nn.Linear(6, 16), norm or nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 3))
    batches = iter(sizes)

    def loss() -> torch.Tensor:
        number = next(batches)
        return F.cross_entropy(model(x[:number]), y[:number])

    train(model, loss, steps=len(sizes))


def test_batches_of_two_rows() -> None:
    (found,) = findings(lambda: loop(2, 2, 2, 2, 2, 2))
    assert found.sign == "batch norm of few rows"
    assert "In 6 of 6 calls seen in training, 1 = BatchNorm1d(16, " in found.seen
    assert " had 2 numbers for each channel" in found.seen


@pytest.mark.parametrize("sizes", [(16, 16, 2) * 3, (2, 2)])
def test_a_last_batch_and_too_few_calls(sizes: tuple[int, ...]) -> None:
    assert signs(lambda: loop(*sizes)) == []


def test_another_norm_and_one_that_measures_nothing() -> None:
    assert signs(lambda: loop(*[2] * 6, norm=nn.LayerNorm(16))) == []
    assert signs(lambda: loop(*[2] * 6, norm=nn.BatchNorm1d(16).eval())) == []


def test_a_few_images_have_many_places() -> None:
    def loop() -> None:
        model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4 * 6 * 6, 3))
        x, y = torch.randn(2, 1, 8, 8), torch.tensor([0, 2])
        train(model, lambda: F.cross_entropy(model(x), y), steps=6, lr=0.01)

    assert "batch norm of few rows" not in signs(loop)
    assert signs(loop) == []
