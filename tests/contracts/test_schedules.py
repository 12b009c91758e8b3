"""What holds for every schedule: its rate is the torch scheduler's at every step of the run."""

import math

import pytest
import torch
from torch import Tensor

from fivestep.schedules._base import Schedule
from tests.contracts.cases import Item, over
from tests.tolerances import FORMULA, distance

RATE = 0.3
every_schedule = over("schedules")
lengths = pytest.mark.parametrize("num_steps", [1, 2, 7, 100])


def our_rates(schedule: Schedule, num_steps: int) -> Tensor:
    return torch.tensor([RATE * schedule.factor(step, num_steps) for step in range(num_steps)], dtype=torch.float64)


def torch_rates(schedule: Schedule, num_steps: int) -> Tensor:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], RATE)
    scheduler, rates = schedule.twin(optimizer, num_steps), []
    for _ in range(num_steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return torch.tensor(rates, dtype=torch.float64)


@every_schedule
@lengths
def test_rates_equal_those_of_the_torch_scheduler(item: Item, num_steps: int) -> None:
    schedule = item.build()
    assert distance(our_rates(schedule, num_steps), torch_rates(schedule, num_steps)) < FORMULA


@every_schedule
@lengths
def test_factors_are_finite_and_not_negative(item: Item, num_steps: int) -> None:
    schedule = item.build()
    factors = [schedule.factor(step, num_steps) for step in range(num_steps)]
    assert all(math.isfinite(factor) and factor >= 0 for factor in factors)
