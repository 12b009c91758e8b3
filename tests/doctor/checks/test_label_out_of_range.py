"""A class label is not one of the model's classes."""

import pytest
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import broken, net, rows, signs, train


def loop(first: int) -> None:
    (x, y), model = rows(), net()
    train(model, lambda: F.cross_entropy(model(x), y + first), steps=2)


@pytest.mark.parametrize(("first", "label"), [(1, 3), (-1, -1)])
def test_labels_that_do_not_begin_with_0(first: int, label: int) -> None:
    (found,) = broken(lambda: loop(first), IndexError)
    assert found.sign == "label out of range"
    assert f"There is a label {label}," in found.seen


def test_those_that_do() -> None:
    assert signs(lambda: loop(0)) == []
