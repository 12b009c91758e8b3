import pytest
import torch
from torch import Tensor

from fivestep.engines._make import make_engine
from fivestep.net import MLP
from fivestep.plan import TrainPlan
from tests.contracts.cases import Case
from tests.inits.depth import mean_squares

CASES = [Case(pairs=False)]  # all units alike: behind softmax or a norm the gradient is 0, so only rounding is left


def trained(activation: str, num_steps: int = 3) -> dict[str, Tensor]:
    """The parameters of 3-4-1 after a few steps."""
    engine = make_engine("scratch", MLP(3, 4, 1, activation=activation, init="zeros"), TrainPlan(loss="mse"))
    x = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    for _ in range(num_steps):
        engine.train_step(x, x.sum(1))
    return engine.named_parameters()


@pytest.mark.parametrize("activation", ["identity", "relu", "tanh", "gelu", "selu"])
def test_neither_signal_nor_gradient_passes(activation: str) -> None:
    found = mean_squares("zeros", activation)
    assert found.activations.count_nonzero() == 0
    assert found.gradients.count_nonzero() == 0


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_an_activation_that_is_0_at_0_lets_only_the_last_bias_move(activation: str) -> None:
    assert {name for name, value in trained(activation).items() if value.count_nonzero()} == {"2.bias"}


def test_hidden_units_that_move_remain_one_unit() -> None:
    found = trained("sigmoid")
    assert found["0.weight"].count_nonzero() == 12
    assert torch.equal(found["0.weight"], found["0.weight"][:1].expand(4, 3))
    assert torch.equal(found["2.weight"], found["2.weight"][:, :1].expand(1, 4))
