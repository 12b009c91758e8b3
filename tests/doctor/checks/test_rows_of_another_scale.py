"""The model is evaluated on rows that were not scaled as those of the training."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import findings, net, rows, signs, train

Change = Callable[[Tensor], Tensor]


def loop(*changes: Change) -> None:
    """Trained on rows, and evaluated four times on others with each of the changes made to them."""
    (x, y), (other, labels), model = rows(), rows(), net()
    train(model, lambda: F.cross_entropy(model(x), y))
    model.eval()
    with torch.no_grad():
        for _ in range(4):
            for change in changes:
                moved = change(other)
                F.cross_entropy(model(moved), labels[: len(moved)])


@pytest.mark.parametrize(
    "change",
    [lambda x: 255 * x, lambda x: x / 255, lambda x: x + 100, lambda x: 30 * x + 20],
    ids=["larger", "smaller", "elsewhere", "not standardized"],
)
def test_other_rows_that_are_not_scaled_alike(change: Change) -> None:
    (found,) = findings(lambda: loop(change))
    assert found.sign == "rows of another scale"
    assert "; those of its training have " in found.seen


def test_rows_of_one_scale_and_a_look_beyond_them() -> None:
    assert signs(lambda: loop(lambda x: x)) == []
    assert signs(lambda: loop(lambda x: 3 * x + 4)) == []
    assert signs(lambda: loop(lambda x: x, lambda x: 255 * x)) == []
    assert signs(lambda: loop(lambda x: x[:4] * 255)) == []
