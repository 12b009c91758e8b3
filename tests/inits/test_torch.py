"""What `torch.nn.Linear` does: its numbers for the same seed, to the bit, and its bounds."""

import itertools
import math

import pytest
import torch
from torch import nn

from fivestep.engines._engine import initial_weights
from fivestep.inits.torch import Torch
from fivestep.net import MLP
from tests.inits.depth import WIDTH, factors, mean_squares
from tests.samples import stream
from tests.statistics import deviation_error
from tests.tolerances import DEPTH, ONE_LAYER, STATISTICS


@pytest.mark.parametrize("sizes", [(784, 256, 10), (2, 8, 1), (1, 1), (5, 4, 3, 2), (4097, 3)], ids=str)
@pytest.mark.parametrize("seed", [0, 1, 2**40])
def test_a_network_starts_with_the_numbers_of_a_torch_sequential_of_the_same_seed(
    sizes: tuple[int, ...], seed: int
) -> None:
    weights = initial_weights(MLP(*sizes), seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers = [nn.Linear(fan_in, fan_out) for fan_in, fan_out in itertools.pairwise(sizes)]
    names = [f"{2 * k}.{name}" for k in range(len(layers)) for name in ("weight", "bias")]
    expected = dict(zip(names, [value for layer in layers for value in layer.parameters()], strict=True))
    assert list(weights) == names
    assert all(torch.equal(weights[name], expected[name]) for name in names)


def test_weights_and_biases_are_uniform_within_one_over_the_root_of_the_fan_in() -> None:
    weight, bias, bound = torch.empty(256, 784), torch.empty(256), 1 / math.sqrt(784)
    Torch().weight_(weight, stream())
    Torch().bias_(bias, 784, stream(1))
    assert float(weight.abs().max()) <= bound
    assert float(bias.abs().max()) <= bound
    assert deviation_error(weight, bound / math.sqrt(3)) < STATISTICS
    assert deviation_error(bias, bound / math.sqrt(3)) < STATISTICS


@pytest.mark.parametrize(("activation", "factor"), [("identity", 1 / 3), ("relu", 1 / 6)])
def test_the_gradient_of_a_deep_network_vanishes(activation: str, factor: float) -> None:
    """A uniform weight in (-1/sqrt I, 1/sqrt I) has the variance 1 / (3 I): a third of the mean square, relu a half."""
    assert factors("torch", activation).gradients == pytest.approx(factor, rel=DEPTH)


@pytest.mark.parametrize(("activation", "level"), [("identity", 1 / 2), ("relu", 1 / 5)])
def test_the_activations_settle_at_what_the_biases_give(activation: str, level: float) -> None:
    """Biases of variance 1 / (3 I) keep v = E z^2 = E a^2 / 3 + 1 / (3 I), whatever x is.

    With a = z that is v = 1 / (2 I); with relu E a^2 = v / 2, so v = 2 / (5 I) and E a^2 = 1 / (5 I).
    """
    settled = mean_squares("torch", activation).activations[-15:].mean()
    assert float(settled) == pytest.approx(level / WIDTH, rel=ONE_LAYER)
