"""An activation with a learned strength for each unit."""

import pytest
import torch
from torch import nn

from fivestep.check import InputError
from fivestep.find import build
from tests.contracts.cases import Case
from tests.layers.alone import Alone, rows
from tests.samples import numbers
from tests.tolerances import FORMULA, distance

CASES = [Case(), Case({"activation": "selu"}, pairs=False), Case({"activation": "leaky_relu:slope=0.2"}, pairs=False)]


def test_half_a_relu_worked_by_hand() -> None:
    # g = 0.5: y = x + 0.5 (relu(x) - x) = (-2 + 0.5 * 2, 3) = (-1, 3)
    # dy = (1, 1): dg = (0 - -2, 3 - 3) = (2, 0); dx = 1 + 0.5 (f' - 1) = (0.5, 1)
    one = Alone.of("parametric:activation=relu", 2)
    one.w["weight"].fill_(0.5)
    assert one.train(rows([-2, 3])).tolist() == [[-1, 3]]
    assert one.back(rows([1, 1])).tolist() == [[0.5, 1]]
    assert one.dw["weight"].tolist() == [2, 0]


def test_it_begins_as_its_activation() -> None:
    x = numbers(4, 3)
    assert distance(Alone.of("parametric:activation=mish", 3).train(x), nn.functional.mish(x)) < FORMULA


def test_with_a_strength_of_zero_it_is_the_identity() -> None:
    one, x = Alone.of("parametric", 3), numbers(4, 3)
    one.w["weight"].zero_()
    assert torch.equal(one.train(x), x)


def test_relu_becomes_torchs_prelu() -> None:
    """x + g (relu(x) - x) has the slope 1 - g below 0: PReLU with that slope."""
    one, x = Alone.of("parametric:activation=relu", 3), numbers(4, 3)
    one.w["weight"].copy_(torch.tensor([0.1, 0.5, 0.9]))
    assert distance(one.train(x), nn.functional.prelu(x, 1 - one.w["weight"])) < FORMULA


def test_an_unknown_activation_is_refused() -> None:
    with pytest.raises(InputError, match=r"did you mean 'mish'\?"):
        build("layers", "parametric:activation=mich")
