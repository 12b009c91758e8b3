"""Xavier initialization: torch's numbers, its bounds, and the variance that tanh layers keep."""

import math
from typing import Any

import pytest
import torch

from fivestep.check import InputError
from fivestep.inits.xavier import Xavier
from tests.contracts.cases import Case
from tests.inits.depth import factors
from tests.samples import stream
from tests.statistics import deviation_error
from tests.tolerances import DEPTH, FLOAT32, STATISTICS, distance

CASES = [Case(), Case({"distribution": "normal"}, pairs=False)]


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


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
@pytest.mark.parametrize("gain", [1.0, 5 / 3])
def test_every_form_is_torchs_for_the_same_stream(distribution: str, gain: float) -> None:
    weight, expected = torch.empty(7, 5), torch.empty(7, 5)
    Xavier(distribution, gain).weight_(weight, stream(3))
    getattr(torch.nn.init, f"xavier_{distribution}_")(expected, gain=gain, generator=stream(3))
    assert distance(weight, expected) < FLOAT32


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"distribution": "gauss"}, "distribution must be one of normal, uniform, got 'gauss'"),
        ({"gain": 0}, "gain must be a finite number greater than 0, got 0"),
    ],
)
def test_an_unknown_form_is_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        Xavier(**options)


def test_biases_are_zero() -> None:
    bias = torch.full((5,), torch.nan)
    Xavier().bias_(bias, 7, stream())
    assert (bias == 0).all()


@pytest.mark.parametrize(("activation", "factor"), [("identity", 1.0), ("tanh", 1.0), ("relu", 0.5)])
def test_tanh_near_0_keeps_the_mean_square_of_activations_and_gradients(activation: str, factor: float) -> None:
    """I * 2 / (I + O) = 1 where I = O. For inputs of size 0.01 tanh is the identity; relu loses half per layer."""
    assert factors("xavier", activation, scale=0.01) == pytest.approx((factor, factor), rel=DEPTH)
