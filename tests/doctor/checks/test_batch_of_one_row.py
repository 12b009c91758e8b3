"""Batch norm gets one row."""

import pytest
from torch import nn
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import broken, rows, signs, train


def loop(num_rows: int) -> None:
    (x, y), model = rows(), nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
    batches = iter([slice(32), slice(32, 32 + num_rows)] * 10)
    train(model, lambda: F.cross_entropy(model(x[part := next(batches)]), y[part]), steps=20, lr=0.01)


def test_a_last_batch_of_one() -> None:
    (found,) = broken(lambda: loop(1), ValueError)
    assert found.sign == "batch of one row"
    assert "The layer 1 = BatchNorm1d(8" in found.seen
    assert "of shape (1, 8), in training mode after 1 update:" in found.seen


@pytest.mark.parametrize("num_rows", [2, 32])
def test_one_of_more(num_rows: int) -> None:
    assert signs(lambda: loop(num_rows)) == []
