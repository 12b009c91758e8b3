"""Kaiming initialization: torch's numbers, and the mean square that it keeps through relu layers."""

import math
from typing import Literal

import pytest
import torch

from fivestep.check import InputError
from fivestep.inits.kaiming import Kaiming
from tests.contracts.cases import Case
from tests.inits.depth import factors
from tests.samples import stream
from tests.statistics import deviation_error
from tests.tolerances import DEPTH, FLOAT32, STATISTICS, distance

CASES = [Case(), Case({"mode": "fan_out", "distribution": "uniform"}, pairs=False)]


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


@pytest.mark.parametrize("mode", ["fan_in", "fan_out"])
@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_every_form_is_torchs_for_the_same_stream(mode: Literal["fan_in", "fan_out"], distribution: str) -> None:
    weight, expected = torch.empty(7, 5), torch.empty(7, 5)
    Kaiming(mode, distribution).weight_(weight, stream(3))
    fill = getattr(torch.nn.init, f"kaiming_{distribution}_")
    fill(expected, mode=mode, nonlinearity="relu", generator=stream(3))
    assert distance(weight, expected) < FLOAT32


@pytest.mark.parametrize("options", [{"mode": "fan_avg"}, {"distribution": "gauss"}])
def test_an_unknown_form_is_refused(options: dict[str, str]) -> None:
    with pytest.raises(InputError, match=f"{next(iter(options))} must be one of .*, got"):
        Kaiming(**options)


def test_biases_are_zero() -> None:
    bias = torch.full((5,), torch.nan)
    Kaiming().bias_(bias, 7, stream())
    assert (bias == 0).all()


@pytest.mark.parametrize(("activation", "factor"), [("relu", 1.0), ("identity", 2.0)])
def test_relu_keeps_the_mean_square_of_activations_and_gradients(activation: str, factor: float) -> None:
    """I * 2/I = 2 by the weights, a half by relu, forward and backward."""
    assert factors("kaiming", activation) == pytest.approx((factor, factor), rel=DEPTH)
