"""What holds for every schedule: its rate is the torch scheduler's at every step of the run."""

import pytest
import torch
from torch import Tensor

from fivestep.plan import TrainPlan
from fivestep.schedules._base import Schedule
from fivestep.steps import upcoming_steps
from tests.contracts.cases import Item, over
from tests.samples import numbers, small_engine, small_plan, three_classes
from tests.tolerances import FORMULA, distance

RATE = 0.3
every_schedule = over("schedules")
lengths = pytest.mark.parametrize("num_steps", [1, 2, 7, 100])


def figures(num_steps: int) -> list[float]:
    """What an evaluation after each step might see: a loss that falls, stands still and rises."""
    return numbers(num_steps).cumsum(0).sub(numbers(num_steps, seed=1)).abs().add(0.1).tolist()


def our_rates(schedule: Schedule, num_steps: int) -> Tensor:
    seen = figures(num_steps)
    rates = [RATE * schedule.factor(step, num_steps, seen[:step]) for step in range(num_steps)]
    return torch.tensor(rates, dtype=torch.float64)


def torch_rates(schedule: Schedule, num_steps: int) -> Tensor:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], RATE)
    scheduler, rates = schedule.twin(optimizer, num_steps), []
    answers = isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau)
    for seen in figures(num_steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step(*([seen] if answers else []))
    return torch.tensor(rates, dtype=torch.float64)


@every_schedule
@lengths
def test_rates_equal_those_of_the_torch_scheduler(item: Item, num_steps: int) -> None:
    schedule = item.build()
    assert distance(our_rates(schedule, num_steps), torch_rates(schedule, num_steps)) < FORMULA


@every_schedule
@lengths
def test_factors_lie_between_zero_and_one(item: Item, num_steps: int) -> None:
    schedule, seen = item.build(), figures(num_steps)
    factors = [schedule.factor(step, num_steps, seen[:step]) for step in range(num_steps)]
    assert all(0 <= factor <= 1 for factor in factors)


@every_schedule
def test_it_says_whether_it_answers_to_what_is_seen(item: Item) -> None:
    """Who trains many networks measures them once where no rate depends on it."""
    schedule, rising = item.build(), [float(k) for k in range(100)]
    moves = any(schedule.factor(step, 100, rising[:step]) != schedule.factor(step, 100) for step in range(100))
    assert schedule.answers >= moves


@every_schedule
def test_a_run_that_is_taken_up_again_has_the_same_rates(item: Item) -> None:
    plan, data, seen = small_plan(schedule=item.choice), three_classes(), figures(12)
    engine = small_engine("scratch", plan)
    whole = [step.lr for step in upcoming_steps(engine, data, plan, 0, seen)]
    assert [step.lr for step in upcoming_steps(engine, data, plan, 5, seen)] == whole[5:]


@every_schedule
def test_a_plan_with_the_schedule_reads_back_the_same(item: Item) -> None:
    plan = small_plan(schedule=item.choice)
    again = TrainPlan.from_dict(plan.to_dict())
    assert again.build_schedule() == plan.build_schedule()
