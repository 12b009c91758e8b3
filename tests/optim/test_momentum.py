"""The rate inside the velocity: steps worked by hand, beside sgd and beside scikit-learn's own rule."""

import numpy as np
import pytest
import torch
from sklearn.neural_network._stochastic_optimizers import SGDOptimizer

from fivestep.check import InputError
from fivestep.optim.momentum import Momentum
from fivestep.optim.sgd import SGD
from fivestep.plan import TrainPlan
from tests.contracts.cases import Case
from tests.optim.worked import weights_after
from tests.samples import ENGINES, do_steps, numbers, small_engine, small_plan, three_classes
from tests.tolerances import ENGINES_FLOAT64, FORMULA, distance

CASES = [
    Case(),
    Case({"nesterov": False, "momentum": 0.5, "weight_decay": 0.1}, pairs=False),
    Case({"momentum": 0.0}, pairs=False),
]


def test_worked_steps() -> None:
    """v1 = -0.1 * 2 = -0.2 and w = 1 - 0.2; v2 = 0.5 * -0.2 - 0.1 * 4 = -0.5 and w = 0.8 - 0.5."""
    rule = Momentum(momentum=0.5, nesterov=False)
    assert weights_after(rule, 1.0, [2.0, 4.0], 0.1) == pytest.approx([0.8, 0.3], rel=FORMULA)


def test_worked_steps_that_look_ahead() -> None:
    """w = 1 + 0.5 * -0.2 - 0.1 * 2 = 0.7, then 0.7 + 0.5 * -0.5 - 0.1 * 4 = 0.05."""
    assert weights_after(Momentum(momentum=0.5), 1.0, [2.0, 4.0], 0.1) == pytest.approx([0.7, 0.05], rel=FORMULA)


@pytest.mark.parametrize("nesterov", [False, True])
def test_at_a_constant_rate_it_is_sgd(nesterov: bool) -> None:
    gradients = numbers(9).tolist()
    ours = weights_after(Momentum(0.9, nesterov, weight_decay=0.1), 1.0, gradients, 0.1)
    assert ours == pytest.approx(weights_after(SGD(0.9, nesterov, weight_decay=0.1), 1.0, gradients, 0.1), rel=FORMULA)


@pytest.mark.parametrize("nesterov", [False, True])
def test_at_a_falling_rate_it_is_the_rule_of_scikit_learn(nesterov: bool) -> None:
    rule, w = Momentum(0.9, nesterov), numbers(5)
    theirs, state = [w.numpy().copy()], rule.state(w)
    optimizer = SGDOptimizer(theirs, 0.1, momentum=0.9, nesterov=nesterov)
    for step in range(1, 8):
        gradient = numbers(5, seed=step)
        optimizer.learning_rate = 0.1 / step
        optimizer.update_params(theirs, [gradient.numpy()])
        rule.update_(w, gradient, state, 0.1 / step, step)
    assert distance(w, torch.from_numpy(np.asarray(theirs[0]))) < FORMULA


def with_rates_of_zero(nesterov: bool) -> TrainPlan:
    """Fifteen steps: the waves of coslog4 then end exactly at the steps 0, 1, 3 and 7, where the rate is 0."""
    rule = f"momentum:nesterov={str(nesterov).lower()},weight_decay=0.1"
    return small_plan(optimizer=rule, schedule="coslog4", batch_size=None, epochs=15)


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("name", ENGINES)
def test_at_a_rate_of_zero_the_velocity_carries_on_in_every_engine(name: str, nesterov: bool) -> None:
    plan, data = with_rates_of_zero(nesterov), three_classes(20)
    assert [plan.build_schedule().factor(step, 15) for step in (0, 1, 3, 7)] == [0, 0, 0, 0]
    engine, scratch = small_engine(name, plan), small_engine("scratch", plan)
    do_steps(engine, data, plan, 1, 3)
    before = engine.params.flat.clone()
    do_steps(engine, data, plan, 4, 4)
    assert not torch.equal(engine.params.flat, before)
    do_steps(engine, data, plan, 5, 15)
    do_steps(scratch, data, plan, 1, 15)
    assert distance(engine.params.flat, scratch.params.flat) < ENGINES_FLOAT64


def test_the_twin_leaves_gradient_rate_and_decay_as_they_were() -> None:
    w, dw = torch.nn.Parameter(numbers(3)), numbers(3, seed=1)
    w.grad = dw
    twin = Momentum(weight_decay=0.1).twin([w], 0.5)
    twin.step()
    assert w.grad is dw
    assert torch.equal(dw, numbers(3, seed=1))
    assert (twin.param_groups[0]["lr"], twin.param_groups[0]["weight_decay"]) == (0.5, 0.1)


@pytest.mark.parametrize("momentum", [-0.1, 1.1, "much"])
def test_a_momentum_outside_its_range_is_refused(momentum: float) -> None:
    with pytest.raises(InputError, match=r"momentum must be .*, got .*; 0\.9 is usual"):
        Momentum(momentum=momentum)
