"""The steps of a plan, extended to as many as are compared."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from ..datasets._base import Dataset
from ..engines._engine import Engine
from ..plan import TrainPlan
from ..steps import Upcoming, upcoming_steps


def stream(engine: Engine, data: Dataset, num_steps: int, start: int = 0) -> Iterator[Upcoming]:
    """The steps `start` + 1 to `num_steps` of the engine's plan; a plan that has fewer gets more epochs."""
    plan = lengthened(engine.plan, data, num_steps)
    return islice(upcoming_steps(engine, data, plan, start), num_steps - start)


def lengthened(plan: TrainPlan, data: Dataset, num_steps: int) -> TrainPlan:
    """The plan with enough epochs for that many steps."""
    epochs = -(-num_steps // plan.steps_per_epoch(len(data.train)))
    return plan if plan.epochs >= epochs else replace(plan, epochs=epochs)
