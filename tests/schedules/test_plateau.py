"""A rate that answers to the loss: worked by hand, against torch, and through the loop."""

from typing import Any

import pytest
import torch

from fivestep.check import InputError
from fivestep.divergence import Watch
from fivestep.schedules.plateau import Plateau
from fivestep.steps import do_step, upcoming_steps
from fivestep.train import train
from tests.contracts.cases import Case
from tests.samples import ENGINES, numbers, small_engine, small_plan, three_classes
from tests.tolerances import FORMULA

CASES = [
    Case({"patience": 1, "gamma": 0.5}),
    Case({"patience": 2, "cooldown": 3, "gamma": 0.8, "least": 0.2}, pairs=False),
    Case({"patience": 0, "threshold": 0.3, "threshold_mode": "abs"}, pairs=False),
]


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ([], 1),
        ([1.0, 0.9, 0.8], 1),
        ([1.0, 1.0, 1.0], 1),  # two that were not better: patience 2 waits
        ([1.0, 1.0, 1.0, 1.0], 0.5),  # three
        ([1.0, 0.95, 0.95, 0.95], 0.5),  # not below 1.0 * 0.9 either
        ([1.0, 2.0, 0.85, 2.0, 2.0], 1),  # a better one, and the count starts again
        ([1.0, 2.0, 0.85, 2.0, 2.0, 2.0], 0.5),
        ([1.0] * 7, 0.25),  # bad: 2, 3, 4 and 5, 6, 7
        ([1.0] * 10, 0.25),  # never below the least
    ],
)
def test_worked_by_hand(seen: list[float], expected: float) -> None:
    schedule = Plateau(gamma=0.5, patience=2, threshold=0.1, least=0.25)
    assert schedule.factor(0, 1, seen) == pytest.approx(expected, rel=FORMULA)


def test_with_an_absolute_threshold_a_negative_loss_must_fall_to_be_better() -> None:
    """-0.95 is not better than -1, though it is below -1 * (1 - 0.1) = -0.9 in "rel"; nor is -1.05 by 0.1."""
    seen = [-1.0, -0.95, -1.05]
    assert Plateau(gamma=0.5, patience=0, threshold=0.1, threshold_mode="abs").factor(0, 1, seen) == 0.25
    assert Plateau(gamma=0.5, patience=0, threshold=0.1).factor(0, 1, seen) == 1


def test_a_loss_that_stays_is_not_better_without_a_threshold_either() -> None:
    assert Plateau(gamma=0.5, patience=0, threshold=0).factor(0, 1, [1.0, 1.0, 1.0]) == 0.25


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"patience": 0, "gamma": 0.5},
        {"patience": 1, "cooldown": 4, "threshold": 0.3},
        {"threshold": 2.0, "threshold_mode": "abs"},
    ],
)
def test_rates_equal_torchs_on_a_random_walk(options: dict[str, Any], seed: int) -> None:
    schedule, seen = Plateau(least=0.01, **options), numbers(200, seed=seed).cumsum(0).abs().tolist()
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 0.3)
    scheduler, rates = schedule.twin(optimizer, 200), []
    for value in seen:
        scheduler.step(value)  # type: ignore[arg-type]
        rates.append(optimizer.param_groups[0]["lr"])
    ours = [0.3 * schedule.factor(0, 200, seen[: number + 1]) for number in range(200)]
    assert ours == pytest.approx(rates, rel=FORMULA)
    assert len(set(rates)) > 1


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("every", [1, 3])
def test_in_the_loop_it_answers_to_each_epoch_that_is_evaluated(name: str, every: int) -> None:
    """The rate of an epoch is the plan's times the factor for the validation losses seen before it."""
    plan, data = small_plan(epochs=24, lr=3.0, schedule="plateau:patience=0,gamma=0.7"), three_classes(valid=20)
    epochs = list(train(small_engine(name, plan), data, plan, every))
    seen = [epoch.valid_loss for epoch in epochs]
    schedule = plan.build_schedule()
    assert [epoch.lr for epoch in epochs] == [3.0 * schedule.factor(0, 1, seen[:k]) for k in range(len(seen))]
    assert epochs[-1].lr < 3.0


def test_steps_that_are_done_again_have_the_same_rates(monkeypatch: pytest.MonkeyPatch) -> None:
    """A `Watch` that goes back and does its steps again after each one comes out where an undisturbed run does."""
    plan, data = small_plan(epochs=12, lr=3.0, schedule="plateau:patience=0,gamma=0.7"), three_classes(valid=20)
    engine, plain = small_engine("scratch", plan), small_engine("scratch", plan)
    list(train(plain, data, plan))

    def do_again(watch: Watch, _loss: torch.Tensor) -> None:
        reached, rate = engine.num_updates, engine.lr
        state, _ = watch._last_state()
        engine.load_state(state, watch._number)
        again = upcoming_steps(engine, data, plan, watch._number, watch._seen)
        while engine.num_updates < reached:
            do_step(engine, next(again), plan)
        assert engine.lr == rate

    monkeypatch.setattr(Watch, "after_step", do_again)
    assert list(train(engine, data, plan))[-1].lr < 3.0
    assert torch.equal(engine.params.flat, plain.params.flat)


@pytest.mark.parametrize(
    "options",
    [
        {"gamma": 1.0},
        {"patience": -1},
        {"cooldown": 0.5},
        {"threshold": 1.0},
        {"least": -0.1},
        {"threshold": -1, "threshold_mode": "abs"},
        {"threshold_mode": "absolute"},
    ],
)
def test_options_outside_their_range_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=f"{next(iter(options))} must be (a .*number|one of rel, abs)"):
        Plateau(**options)
