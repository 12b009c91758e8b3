"""Whole steps worked out by hand, the arithmetic in the comments, for every engine."""

import math

import pytest
import torch
from torch import Tensor

from fivestep.engines._make import make_engine
from fivestep.find import names
from fivestep.net import MLP, LinearRegression, NetSpec, SoftmaxRegression
from fivestep.plan import TrainPlan
from tests.tolerances import FORMULA, WITHOUT_EPS, distance

every_engine = pytest.mark.parametrize("name", names("engines"))


def rows(*numbers: object) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


def after_steps(
    name: str, spec: NetSpec, plan: TrainPlan, weights: dict[str, Tensor], batch: tuple[Tensor, Tensor], num_steps: int
) -> tuple[list[float], dict[str, Tensor]]:
    """The losses of so many steps on one batch, and the weights after them."""
    engine = make_engine(name, spec, plan, dtype="float64", device="cpu")
    engine.load_weights(weights)
    losses = [engine.train_step(*batch).item() for _ in range(num_steps)]
    return losses, {key: value.detach().clone() for key, value in engine.named_parameters().items()}


@every_engine
def test_one_step_through_a_hidden_layer(name: str) -> None:
    """One row x = (1, 2) with y = 1, relu, mean squared error, rate 0.1.

    forward   z = (1*1 - 1*2 + 0, 0.5*1 + 1*2 - 0.5) = (-1, 2)      a = relu(z) = (0, 2)
              logit = 2*0 - 1*2 + 0.5 = -1.5
    loss      (-1.5 - 1)^2 = 6.25
    backward  dlogit = 2 (-1.5 - 1) = -5       dW2 = -5 a = (0, -10)      db2 = -5
              da = -5 W2 = (-10, 5)            dz = da * (0, 1) = (0, 5)
              dW1 = dz^T x = ((0, 0), (5, 10))                            db1 = (0, 5)
    update    W1 = ((1, -1), (0.5 - 0.5, 1 - 1))      b1 = (0, -0.5 - 0.5)
              W2 = (2, -1 + 1)                        b2 = 0.5 + 0.5
    """
    weights = {
        "0.weight": rows((1, -1), (0.5, 1)),
        "0.bias": rows(0, -0.5),
        "2.weight": rows((2, -1)),
        "2.bias": rows(0.5),
    }
    plan = TrainPlan(loss="mse", lr=0.1, batch_size=None)
    losses, after = after_steps(name, MLP(2, 2, 1), plan, weights, (rows((1, 2)), rows((1,))), 1)
    assert losses == [6.25]
    expected = {"0.weight": ((1, -1), (0, 0)), "0.bias": (0, -1), "2.weight": ((2, 0),), "2.bias": (1,)}
    assert all(distance(after[key], rows(*value)) < FORMULA for key, value in expected.items())


@every_engine
def test_one_step_of_softmax_regression_from_zero(name: str) -> None:
    """Two rows, (1, 0) of class 0 and (0, 2) of class 2, all weights 0, rate 1.

    forward   all logits 0, so p = (1/3, 1/3, 1/3) for both rows
    loss      log 3 for both rows, so log 3 in the mean
    backward  dz = (p - onehot) / 2: (-1/3, 1/6, 1/6) and (1/6, 1/6, -1/3)
              dW = sum of dz^T x: first column dz_1 * 1, second column dz_2 * 2 = (1/3, 1/3, -2/3)
              db = dz_1 + dz_2 = (-1/6, 1/3, -1/6)
    update    minus that
    """
    weights = {"0.weight": torch.zeros(3, 2), "0.bias": torch.zeros(3)}
    plan = TrainPlan(loss="cross_entropy", lr=1.0, batch_size=None)
    batch = rows((1, 0), (0, 2)), torch.tensor([0, 2])
    losses, after = after_steps(name, SoftmaxRegression(2, 3), plan, weights, batch, 1)
    assert losses == [pytest.approx(math.log(3), abs=FORMULA)]
    assert distance(after["0.weight"], -rows((-1 / 3, 1 / 3), (1 / 6, 1 / 3), (1 / 6, -2 / 3))) < FORMULA
    assert distance(after["0.bias"], -rows(-1 / 6, 1 / 3, -1 / 6)) < FORMULA


@every_engine
def test_two_steps_with_momentum(name: str) -> None:
    """y = w x + b on the row x = 1, y = 0, from w = 1, b = 0; rate 0.1, momentum 0.5. w and b have one gradient.

    step 1    prediction 1      loss 1       gradient 2 * 1 = 2         v = 2                   w = 0.8,  b = -0.2
    step 2    prediction 0.6    loss 0.36    gradient 2 * 0.6 = 1.2     v = 0.5*2 + 1.2 = 2.2   w = 0.58, b = -0.42
    """
    weights = {"0.weight": rows((1,)), "0.bias": rows(0)}
    plan = TrainPlan(loss="mse", optimizer="sgd", momentum=0.5, lr=0.1, batch_size=None)
    losses, after = after_steps(name, LinearRegression(1), plan, weights, (rows((1,)), rows((0,))), 2)
    assert losses == [1.0, pytest.approx(0.36, abs=FORMULA)]
    assert distance(after["0.weight"], rows((0.58,))) < FORMULA
    assert distance(after["0.bias"], rows(-0.42)) < FORMULA


@every_engine
def test_two_steps_of_adam(name: str) -> None:
    """The same row; rate 0.1, betas (0.5, 0.75), eps 1e-8, which is left out below: it changes the ninth digit.

    step 1    gradient 2     m = 1      m^ = 1 / (1 - 0.5) = 2           v = 1      v^ = 1 / (1 - 0.75) = 4
              w = 1 - 0.1 * 2 / 2 = 0.9    b = -0.1
    step 2    prediction 0.8, gradient 1.6
              m = 0.5*1 + 0.5*1.6 = 1.3          m^ = 1.3 / (1 - 0.25) = 26/15
              v = 0.75*1 + 0.25*2.56 = 1.39      v^ = 1.39 / (1 - 0.5625) = 139/43.75
              w = 0.9 - 0.1 * (26/15) / sqrt(139/43.75)
    """
    weights = {"0.weight": rows((1,)), "0.bias": rows(0)}
    plan = TrainPlan(loss="mse", optimizer="adam:betas=(0.5,0.75)", lr=0.1, batch_size=None)
    losses, after = after_steps(name, LinearRegression(1), plan, weights, (rows((1,)), rows((0,))), 2)
    step = 0.1 * (26 / 15) / math.sqrt(139 / 43.75)
    assert losses == [1.0, pytest.approx(0.64, abs=WITHOUT_EPS)]
    assert after["0.weight"].item() == pytest.approx(0.9 - step, abs=WITHOUT_EPS)
    assert after["0.bias"].item() == pytest.approx(-0.1 - step, abs=WITHOUT_EPS)


@every_engine
def test_a_weighted_row_counts_as_often_as_it_weighs(name: str) -> None:
    """Rows x = 1 and x = 3 with y = 0, weights 3/4 and 1/4, from w = 1, b = 0, rate 0.1.

    loss      3/4 * 1^2 + 1/4 * 3^2 = 3
    backward  dz = weight * 2 * prediction = (3/4 * 2, 1/4 * 6) = (1.5, 1.5)
              dw = 1.5*1 + 1.5*3 = 6      db = 3
    """
    engine = make_engine(name, LinearRegression(1), TrainPlan(loss="mse", lr=0.1, batch_size=None), dtype="float64")
    engine.load_weights({"0.weight": rows((1,)), "0.bias": rows(0)})
    loss = engine.train_step(rows((1,), (3,)), rows((0,), (0,)), rows(0.75, 0.25))
    assert loss.item() == 3.0
    assert distance(engine.named_parameters()["0.weight"].detach(), rows((0.4,))) < FORMULA
    assert distance(engine.named_parameters()["0.bias"].detach(), rows(-0.3)) < FORMULA
