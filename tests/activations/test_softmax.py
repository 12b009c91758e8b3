import math

import pytest
import torch
from torch import Tensor

from fivestep.activations.softmax import Softmax
from fivestep.check import InputError
from fivestep.engines._make import make_engine
from fivestep.find import Choice
from fivestep.layer import Memo
from fivestep.losses.cross_entropy import CrossEntropy
from fivestep.net import MLP, NetSpec
from fivestep.plan import TrainPlan
from tests.contracts.cases import Case
from tests.tolerances import FORMULA, PRINTED, distance

CASES = [Case(suits=lambda combination: combination.init.name != "normal")]
"""Through two softmax layers and weights of 0.01 a gradient of 1e-9 is left, which is mostly rounding noise; a rule
that divides by its size makes that noise as large as a step."""

TWICE_LEAST = 1.4612
"""log(e + 9) - 1: the best that ten probabilities, taken for logits, can do is (1, 0, ..., 0)."""


def softmax(z: Tensor) -> Tensor:
    return Softmax().forward({}, z, Memo(training=False))


def twice(z: Tensor, y: Tensor) -> Tensor:
    """The cross-entropy of a network that ends with a softmax."""
    return CrossEntropy().value(softmax(z), y, None, Memo(training=False))


@pytest.mark.parametrize(
    ("z", "p"),
    [((1, 3, 0.5, 1.5), (0.0939, 0.6942, 0.0570, 0.1549)), ((-1.0, 2, 1, 0), (0.0321, 0.6439, 0.2369, 0.0871))],
)
def test_worked_example(z: tuple[float, ...], p: tuple[float, ...]) -> None:
    """exp(1) + exp(3) + exp(0.5) + exp(1.5) = 2.7183 + 20.0855 + 1.6487 + 4.4817 = 28.9342; 2.7183 of it is 0.0939."""
    assert distance(softmax(torch.tensor([z])), torch.tensor([p])) < PRINTED


def test_gradient_by_hand() -> None:
    """p = (1/4, 3/4), dp = (1, 0): dz = (1/4 (1 - 1/4), 3/4 (0 - 1/4)) = (3/16, -3/16)."""
    memo = Memo(training=True)
    Softmax().forward({}, torch.tensor([[0.0, math.log(3)]]), memo)
    dz = Softmax().backward({}, {}, torch.tensor([[1.0, 0.0]]), memo)
    assert distance(dz, torch.tensor([[0.1875, -0.1875]])) < PRINTED


def test_rows_sum_to_1_and_keep_the_order_of_the_logits() -> None:
    z = torch.randn(5, 3, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert distance(softmax(z).sum(-1), torch.ones(5, 3, dtype=torch.float64)) < FORMULA
    assert torch.equal(softmax(z).argsort(-1), z.argsort(-1))


def test_adding_a_number_to_all_logits_changes_nothing() -> None:
    z = torch.randn(5, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert distance(softmax(z + 1e3), softmax(z)) < FORMULA


@pytest.mark.parametrize("size", [0.1, 1.0, 10.0, 1e3])
def test_a_softmax_before_cross_entropy_keeps_the_loss_above_its_floor(size: float) -> None:
    z = size * torch.randn(50, 10, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert twice(z, z.argmax(-1)) > TWICE_LEAST - PRINTED


def test_the_surest_and_rightest_network_sits_on_that_floor() -> None:
    z = torch.full((1, 10), -1e4)
    z[0, 3] = 1e4
    assert float(twice(z, torch.tensor([3]))) == pytest.approx(TWICE_LEAST, abs=PRINTED)


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy"])
def test_a_network_that_ends_with_what_the_loss_applies_is_warned_of(loss: str) -> None:
    last = {"cross_entropy": "softmax", "binary_cross_entropy": "sigmoid"}[loss]
    spec = NetSpec((Choice("linear"), Choice(last)), 4, 3)
    with pytest.warns(UserWarning, match=f"a network for {loss} should end with logits, got {last} .* leave the layer"):
        make_engine("scratch", spec, TrainPlan(loss=loss))


@pytest.mark.parametrize("engine", ["scratch", "autograd", "nn"])
def test_a_softmax_elsewhere_or_before_another_loss_is_welcome(engine: str) -> None:
    make_engine(engine, MLP(4, 5, 3, activation="softmax"), TrainPlan())
    ends = make_engine(engine, NetSpec((Choice("linear"), Choice("softmax")), 4, 3), TrainPlan(loss="mse"))
    p = ends.predict(torch.randn(6, 4, generator=torch.Generator().manual_seed(0)))
    assert p.sum(-1).tolist() == pytest.approx([1.0] * 6)


def test_a_network_of_it_alone_cannot_change_the_number_of_outputs() -> None:
    with pytest.raises(InputError, match="must end with out_features=3 numbers, got 4; end it with a linear layer"):
        NetSpec((Choice("softmax"),), 4, 3).build()
