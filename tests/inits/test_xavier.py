"""Xavier initialisation: torch's numbers, its bounds, and the variance that tanh layers keep."""

import math

import pytest
import torch

from fivestep.inits.xavier import Xavier
from tests.inits.depth import factors
from tests.samples import stream
from tests.statistics import deviation_error
from tests.tolerances import DEPTH, STATISTICS


@pytest.mark.parametrize("shape", [(256, 784), (784, 256), (300, 300)])
def test_weights_have_the_variance_two_over_both_fans(shape: tuple[int, int]) -> None:
    weight = torch.empty(shape)
    Xavier().weight_(weight, stream())
    assert deviation_error(weight, math.sqrt(2 / sum(shape))) < STATISTICS  # a uniform one's error is even smaller


def test_weights_fill_their_interval_and_stay_in_it() -> None:
    weight, bound = torch.empty(256, 784), math.sqrt(6 / (256 + 784))
    Xavier().weight_(weight, stream())
    assert float(weight.abs().max()) <= bound
    assert float(weight.abs().max()) == pytest.approx(bound, rel=1e-4)  # the largest of 200,000 draws


def test_weights_are_torchs_for_the_same_stream() -> None:
    weight = torch.empty(7, 5)
    Xavier().weight_(weight, stream(3))
    assert torch.equal(weight, torch.nn.init.xavier_uniform_(torch.empty(7, 5), generator=stream(3)))


def test_biases_are_zero() -> None:
    bias = torch.full((5,), torch.nan)
    Xavier().bias_(bias, 7, stream())
    assert (bias == 0).all()


@pytest.mark.parametrize(("activation", "factor"), [("identity", 1.0), ("tanh", 1.0), ("relu", 0.5)])
def test_tanh_near_0_keeps_the_mean_square_of_activations_and_gradients(activation: str, factor: float) -> None:
    """I * 2 / (I + O) = 1 where I = O. For inputs of size 0.01 tanh is the identity; relu loses half per layer."""
    assert factors("xavier", activation, scale=0.01) == pytest.approx((factor, factor), rel=DEPTH)
