"""A learned scale for each feature."""

import pytest
import torch

from fivestep.check import InputError
from fivestep.find import build
from tests.layers.alone import Alone, rows
from tests.samples import numbers


def test_a_scale_worked_by_hand() -> None:
    # y = (2 * 10, 3 * 100); dy = (1, 2): dg = (1 * 2, 2 * 3), dx = (1 * 10, 2 * 100)
    one = Alone.of("scale", 2)
    one.w["weight"].copy_(torch.tensor([10.0, 100.0]))
    assert one.train(rows([2, 3])).tolist() == [[20, 300]]
    assert one.back(rows([1, 2])).tolist() == [[10, 200]]
    assert one.dw["weight"].tolist() == [2, 6]


def test_it_begins_as_the_identity() -> None:
    x = numbers(4, 3)
    assert torch.equal(Alone.of("scale", 3).train(x), x)


def test_another_number_of_features_is_refused() -> None:
    with pytest.raises(InputError, match="num_features must be the 5 numbers that a row has at this layer, got 4; mak"):
        build("layers", "scale:num_features=4").sized((5,))
