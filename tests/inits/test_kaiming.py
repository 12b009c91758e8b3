"""Kaiming initialisation: torch's numbers, and the mean square that it keeps through relu layers."""

import math

import pytest
import torch

from fivestep.inits.kaiming import Kaiming
from tests.inits.depth import factors
from tests.samples import stream
from tests.statistics import deviation_error
from tests.tolerances import DEPTH, STATISTICS


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


def test_biases_are_zero() -> None:
    bias = torch.full((5,), torch.nan)
    Kaiming().bias_(bias, 7, stream())
    assert (bias == 0).all()


@pytest.mark.parametrize(("activation", "factor"), [("relu", 1.0), ("identity", 2.0)])
def test_relu_keeps_the_mean_square_of_activations_and_gradients(activation: str, factor: float) -> None:
    """I * 2/I = 2 by the weights, a half by relu, forward and backward."""
    assert factors("kaiming", activation) == pytest.approx((factor, factor), rel=DEPTH)
