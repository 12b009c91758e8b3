"""Kaiming initialisation: torch's numbers, and the mean square that it keeps through relu layers."""

import math

import pytest
import torch

from fivestep.inits.kaiming import Kaiming
from tests.samples import numbers, stream
from tests.statistics import deviation_error
from tests.tolerances import STATISTICS


@pytest.mark.parametrize("shape", [(256, 784), (784, 256)])
def test_weights_have_the_variance_two_over_the_fan_in(shape: tuple[int, int]) -> None:
    weight = torch.empty(shape)
    Kaiming().weight_(weight, stream())
    assert deviation_error(weight, math.sqrt(2 / shape[1])) < STATISTICS


def test_weights_are_torchs_for_the_same_stream() -> None:
    weight, expected = torch.empty(7, 5), torch.empty(7, 5)
    Kaiming().weight_(weight, stream(3))
    torch.nn.init.kaiming_normal_(expected, nonlinearity="relu", generator=stream(3))
    assert torch.equal(weight, expected)


def test_ten_relu_layers_keep_the_mean_square() -> None:
    """One layer changes the mean square by about sqrt(5 / width) of it by chance, ten by sqrt(10) times as much."""
    width, one = 500, stream(1)
    a = numbers(400, width)
    for _ in range(10):
        weight = torch.empty(width, width, dtype=torch.float64)
        Kaiming().weight_(weight, one)
        z = a @ weight.T
        a = z.relu()
    assert 2 * float(a.square().mean()) == pytest.approx(2, rel=STATISTICS * math.sqrt(10 * 5 / width))


def test_biases_are_zero() -> None:
    bias = torch.full((5,), torch.nan)
    Kaiming().bias_(bias, 7, stream())
    assert (bias == 0).all()
