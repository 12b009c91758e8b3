"""Schedule-free AdamW: steps worked by hand, the mean that it promises, and the mean in every engine."""

from typing import Any

import pytest
import torch

from fivestep.check import InputError
from fivestep.evaluation import evaluate
from fivestep.optim.schedule_free_adamw import ScheduleFreeAdamW
from fivestep.train import train
from tests.contracts.cases import Case
from tests.samples import ENGINES, numbers, small_engine, small_plan, three_classes
from tests.tolerances import ENGINES_FLOAT64, FORMULA, distance

CASES = [Case(), Case({"betas": (0.8, 0.95), "weight_decay": 0.1, "warmup_steps": 3}, pairs=False)]


def number(value: float) -> torch.Tensor:
    return torch.tensor([value], dtype=torch.float64)


def test_two_steps_worked_by_hand() -> None:
    """betas (0.5, 0.75), eps 1, rate 0.1, decay 0.5, from w = 1.

    1: v = 0.25 * 4 = 1, v^ = 4; z = 1 - 0.1 (2 / 3 + 0.5 * 1) = 0.88333; c = 1, x = z; y = z.
    2: dw = 4: v = 0.75 + 4 = 4.75, v^ = 4.75 / 0.4375; z = 0.88333 - 0.1 (4 / (sqrt(v^) + 1) + 0.5 * 0.88333);
       c = 1/2, x = (0.88333 + z) / 2; y = (z + x) / 2.
    """
    rule, w = ScheduleFreeAdamW(betas=(0.5, 0.75), eps=1.0, weight_decay=0.5), number(1.0)
    state = rule.state(w)
    first = 1 - 0.1 * (2 / 3 + 0.5)
    rule.update_(w, number(2.0), state, 0.1, 1)
    assert (w.item(), rule.average(w, state).item()) == pytest.approx((first, first), rel=FORMULA)
    z = first - 0.1 * (4 / ((4.75 / 0.4375) ** 0.5 + 1) + 0.5 * first)
    x = (first + z) / 2
    rule.update_(w, number(4.0), state, 0.1, 2)
    assert (w.item(), rule.average(w, state).item()) == pytest.approx(((z + x) / 2, x), rel=FORMULA)


def test_at_a_constant_rate_the_average_is_the_plain_mean_of_the_points() -> None:
    rule, w = ScheduleFreeAdamW(), numbers(5)
    state, points = rule.state(w), []
    for step in range(1, 21):
        rule.update_(w, numbers(5, seed=step), state, 0.1, step)
        points.append(state["z"].clone())
    assert distance(rule.average(w, state), torch.stack(points).mean(0)) < FORMULA


def test_rates_rise_over_the_warm_up_and_count_by_their_squares() -> None:
    """Rates 0.1 * (1/2, 1): steps of 0.05 and 0.1 under a gradient of 1; x = (1 * 0.95 + 4 * 0.85) / 5 = 0.87."""
    rule, w = ScheduleFreeAdamW(eps=1e-30, warmup_steps=2), number(1.0)
    state = rule.state(w)
    rule.update_(w, number(1.0), state, 0.1, 1)
    rule.update_(w, number(1.0), state, 0.1, 2)
    assert (state["z"].item(), rule.average(w, state).item()) == pytest.approx((0.85, 0.87), rel=FORMULA)


def test_before_the_first_step_and_at_rate_zero_nothing_has_moved() -> None:
    rule, w = ScheduleFreeAdamW(), number(1.0)
    state = rule.state(w)
    assert rule.average(w, state).item() == 1
    rule.update_(w, number(2.0), state, 0.0, 1)
    assert (w.item(), rule.average(w, state).item()) == pytest.approx((1, 1), rel=FORMULA)


@pytest.mark.parametrize("name", ENGINES)
def test_every_engine_predicts_with_the_same_average(name: str) -> None:
    plan, data = small_plan(optimizer="schedule_free_adamw:warmup_steps=4", lr=0.05), three_classes()
    engine, oracle = small_engine(name, plan), small_engine("nn", plan)
    last = list(train(engine, data, plan))[-1]
    list(train(oracle, data, plan))
    assert distance(engine.params.flat, oracle.params.flat) < ENGINES_FLOAT64
    assert distance(engine.state()["flat"], oracle.state()["flat"]) < ENGINES_FLOAT64
    assert last.train_loss == evaluate(engine, data.train).loss


def test_its_average_is_better_than_where_it_stands() -> None:
    """On a noisy bowl the mean of the points is closer to the minimum than the points, with no schedule at all."""
    rule, w = ScheduleFreeAdamW(), numbers(50, seed=1)
    state = rule.state(w)
    for step in range(1, 2001):
        rule.update_(w, w + 3 * numbers(50, seed=step), state, 0.1, step)
    assert rule.average(w, state).square().sum() < 0.1 * state["z"].square().sum()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"betas": (0.0, 0.9)}, r"beta1 must be a number in \(0, 1\), got 0.0"),
        ({"warmup_steps": -1}, "warmup_steps must be a whole number of at least 0, got -1"),
        ({"warmup_steps": 0.1}, "warmup_steps must be a whole number of at least 0, got 0.1"),
    ],
)
def test_options_outside_their_range_are_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        ScheduleFreeAdamW(**options)


def test_a_moving_average_beside_it_is_refused() -> None:
    sentence = "ema must be left out with optimizer 'schedule_free_adamw', which averages by itself, got 0.9"
    with pytest.raises(InputError, match=sentence):
        small_plan(optimizer="schedule_free_adamw", ema=0.9)
