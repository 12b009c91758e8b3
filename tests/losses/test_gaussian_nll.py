import math

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Normal

from fivestep.check import InputError
from fivestep.datasets._base import Dataset, Rows
from fivestep.diagnosis._constant import constant_answer
from fivestep.layer import Memo
from fivestep.losses.gaussian_nll import GaussianNLL
from fivestep.net import MLP, LinearRegression
from fivestep.plan import TrainPlan
from tests.contracts.cases import Case
from tests.samples import numbers, small_engine
from tests.tolerances import FORMULA, distance

CASES = [
    Case(
        extremes=(40.0, -40.0),  # 80^2 exp(80) is more than float32 can hold
        suits=lambda combination: combination.activation.name != "relu_squared",  # s = -600: squares of exp(600)
    )
]


def test_worked_example() -> None:
    """m = 1, s = ln 4, y = 3: (ln 4 + 4/4) / 2; dm = -2/4, ds = (1 - 4/4) / 2. At m = y: s / 2, 0 and 1/2."""
    z, memo = torch.tensor([[1.0, math.log(4)], [3.0, math.log(4)]], dtype=torch.float64), Memo(training=True)
    loss, y = GaussianNLL(), GaussianNLL().match(z, torch.tensor([3.0, 3.0]))
    assert loss.rows(z, y, memo).tolist() == pytest.approx([(math.log(4) + 1) / 2, math.log(4) / 2], rel=FORMULA)
    assert loss.gradient(z, y, memo).flatten().tolist() == pytest.approx([-0.5, 0, 0, 0.5], rel=FORMULA)


def test_it_is_the_density_of_a_normal_variable_but_for_a_constant() -> None:
    z, y = numbers(9, 2), numbers(9, seed=1)
    mean, std = GaussianNLL().predicted(z).T
    ours = GaussianNLL().rows(z, GaussianNLL().match(z, y), Memo(training=True))
    assert distance(ours + math.log(2 * math.pi) / 2, -Normal(mean, std).log_prob(y)) < FORMULA


def test_it_is_torchs_loss_of_the_variance() -> None:
    z, y = numbers(9, 4), numbers(9, 2, seed=1)
    ours = GaussianNLL().value(z, GaussianNLL().match(z, y), None, Memo(training=True))
    assert distance(ours, nn.GaussianNLLLoss()(z[:, ::2], y, z[:, 1::2].exp())) < FORMULA


def test_several_targets_lie_beside_their_means_and_variances() -> None:
    y = GaussianNLL().match(torch.zeros(1, 4), torch.tensor([[1.0, 2.0]]))
    assert y.tolist() == [[1, 1, 2, 2]]
    assert GaussianNLL().middle(torch.tensor([[1.0, 0.1, 2.0, 0.2]])).tolist() == [[1, 2]]


def test_deviations_are_stretched_and_means_are_moved_too() -> None:
    factor, shift = GaussianNLL().to_units(torch.tensor([10.0, 20.0]), torch.tensor([2.0, 3.0]))
    assert (factor.tolist(), shift.tolist()) == ([2, 2, 3, 3], [10, 0, 20, 0])


def spread_out() -> Dataset:
    """Targets around 2 x whose deviation is exp(x)."""
    x = numbers(2000, 1).clamp(-2, 2)
    return Dataset(Rows(x, 2 * x[:, 0] + x[:, 0].exp() * numbers(2000, seed=1)))


def test_it_learns_how_far_the_targets_of_a_row_spread() -> None:
    plan = TrainPlan(loss="gaussian_nll", lr=0.05, optimizer="adam", batch_size=None, epochs=400, schedule="cosine")
    data = spread_out()
    engine = small_engine("scratch", plan, plan.sized(LinearRegression(out_features=None), data))
    for _ in range(plan.epochs):
        engine.train_step(data.train.x, data.train.y)
    weights = engine.named_parameters()["0.weight"].flatten().tolist()  # of the mean, and of log exp(x)^2 = 2 x
    assert weights == pytest.approx([2, 2], abs=0.1)


def test_the_best_constant_is_the_mean_and_the_variance() -> None:
    y = numbers(40)
    engine = small_engine("scratch", TrainPlan(loss="gaussian_nll"), MLP(2, 4, 2))
    best: Tensor = constant_answer(engine, Rows(numbers(40, 2), y))
    assert best.tolist() == pytest.approx([y.mean().item(), y.var(correction=0).log().item()], abs=1e-3)


def test_two_outputs_are_asked_for_each_target() -> None:
    with pytest.raises(InputError, match="out_features must be two for each target of gaussian_nll, got 3; take an"):
        GaussianNLL().match(torch.zeros(5, 3), torch.zeros(5))
