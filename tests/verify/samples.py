"""Small engines and data for the tests of `verify`."""

from typing import Any

import torch

from fivestep.datasets._base import Dataset, Rows
from fivestep.find import Choice
from fivestep.net import NetSpec
from fivestep.plan import TrainPlan
from tests.samples import numbers, small_plan


def net(*layers: str) -> NetSpec:
    """Four inputs, three outputs."""
    return NetSpec(tuple(map(Choice.parse, layers)), 4, 3)


def plan_for(**options: Any) -> TrainPlan:
    """Twenty rows in two batches of ten, shuffled in every epoch."""
    return small_plan(**{"batch_size": 10, "epochs": 5, **options})


def rows_for(plan: TrainPlan, *, weighted: bool = False) -> Dataset:
    """Twenty rows (N, 4): three classes, or three numbers for a loss that compares numbers."""
    x = numbers(20, 4)
    y = numbers(20, 3, seed=3) if plan.build_loss().target == "numbers" else (x @ numbers(4, 3, seed=1)).argmax(1)
    weight = torch.linspace(0.5, 2, 20, dtype=torch.float64) if weighted else None
    return Dataset(Rows(x, y, weight), num_outputs=3)
