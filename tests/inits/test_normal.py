"""Small normal weights."""

import pytest
import torch

from fivestep.check import InputError
from fivestep.inits.normal import Normal
from tests.contracts.cases import Case
from tests.inits.depth import WIDTH, factors
from tests.samples import stream
from tests.statistics import deviation_error
from tests.tolerances import DEPTH, STATISTICS

CASES = [Case(), Case({"std": 0.3}, pairs=False)]


@pytest.mark.parametrize("std", [0.01, 0.3])
def test_weights_have_the_deviation_asked_for(std: float) -> None:
    weight = torch.empty(256, 784)
    Normal(std).weight_(weight, stream())
    assert deviation_error(weight, std) < STATISTICS


def test_weights_are_torchs_for_the_same_stream() -> None:
    weight = torch.empty(7, 5)
    Normal().weight_(weight, stream(3))
    assert torch.equal(weight, torch.nn.init.normal_(torch.empty(7, 5), 0, 0.01, generator=stream(3)))


def test_biases_are_zero_and_draw_nothing() -> None:
    bias, one = torch.full((5,), torch.nan), stream()
    Normal().bias_(bias, 7, one)
    assert (bias == 0).all()
    assert torch.equal(one.get_state(), stream().get_state())


@pytest.mark.parametrize("std", [0, -1, float("nan")])
def test_a_deviation_that_is_none_is_refused(std: float) -> None:
    with pytest.raises(InputError, match="std must be a finite number greater than 0"):
        Normal(std)


@pytest.mark.parametrize(("activation", "kept"), [("identity", 1.0), ("relu", 0.5), ("tanh", 1.0)])
def test_a_deep_network_of_small_weights_loses_signal_and_gradient(activation: str, kept: float) -> None:
    """Each layer of width 128 multiplies the mean square by I std^2 = 128 * 0.0001 = 0.0128, relu by half of it."""
    factor = kept * WIDTH * 0.01**2
    assert factors("normal", activation) == pytest.approx((factor, factor), rel=DEPTH)
