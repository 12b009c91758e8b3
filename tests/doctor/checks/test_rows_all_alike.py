"""All rows are the same."""

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import findings, net, rows, signs, train


def loop(same: int, num_columns: int = 6) -> None:
    """The first columns are those of the first row in all rows."""
    x, y = rows()
    x[:, :same] = x[:1, :same]
    model = nn.Sequential(nn.Linear(num_columns, 16), net()[1], nn.Linear(16, 3))
    train(model, lambda: F.cross_entropy(model(x[:, :num_columns]), y))


def test_all_columns() -> None:
    (found,) = findings(lambda: loop(6))
    assert found.sign == "rows all alike"
    assert "In all 30 calls seen, all rows that go into Sequential are the same" in found.seen


def test_some_of_them_a_column_of_ones_and_targets_that_are_the_same() -> None:
    assert signs(lambda: loop(0)) == []
    assert signs(lambda: loop(5)) == []
    assert signs(lambda: loop(6, num_columns=1)) == []

    def one_answer() -> None:
        model, x = net(1), torch.ones(8, 6)
        train(model, lambda: F.mse_loss(model(x), torch.ones(8, 1)), lr=0.01)

    assert signs(one_answer) == []


def test_images_of_one_channel() -> None:
    def black() -> None:
        _, y = rows()
        x, model = (
            torch.zeros(64, 1, 4, 4),
            nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3)),
        )
        train(model, lambda: F.cross_entropy(model(x), y))

    assert signs(black) == ["rows all alike"]
