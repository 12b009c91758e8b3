import pytest
import torch
from torch import nn

from tests.inits.depth import factors, mean_squares
from tests.inits.twins import drawn, shapes
from tests.samples import stream
from tests.tolerances import DEPTH, ONE_LAYER


@shapes
def test_it_is_torchs_kaiming_normal_for_a_linear_layer(shape: tuple[int, ...]) -> None:
    twin = nn.init.kaiming_normal_(torch.empty(shape), nonlinearity="linear", generator=stream(7))
    assert torch.equal(drawn("lecun", shape), twin)


@pytest.mark.parametrize(("activation", "factor"), [("identity", 1.0), ("tanh", 1.0), ("relu", 0.5)])
def test_linear_layers_keep_the_mean_square(activation: str, factor: float) -> None:
    """I * 1/I = 1 by the weights; for inputs of size 0.01 tanh is the identity."""
    assert factors("lecun", activation, scale=0.01) == pytest.approx((factor, factor), rel=DEPTH)


@pytest.mark.parametrize("scale", [0.1, 1.0, 3.0])
def test_selu_brings_the_mean_square_to_1_from_wherever_it_starts(scale: float) -> None:
    assert float(mean_squares("lecun", "selu", scale).activations[-5:].mean()) == pytest.approx(1, rel=ONE_LAYER)


def test_selu_lets_the_gradient_grow_a_little() -> None:
    """E f'(z)^2 for a standard normal z is s^2 (1/2 + alpha^2 e^2 Phi(-2)) = 1.1040 (0.5 + 0.4707) = 1.0716."""
    assert factors("lecun", "selu") == pytest.approx((1, 1.0716), rel=DEPTH)
