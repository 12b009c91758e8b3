"""The learning-rate range test: a few steps show which rates are too small to learn and which diverge.

    rate_k = low (high / low)^(k / (n - 1)),  k = 0 .. n - 1

Step k of the training is done with rate_k; the losses, drawn against the rates, are flat, then fall, then rise. After
Smith 2017, "Cyclical learning rates for training neural networks", section 3.3 (there the rates grow linearly; here
exponentially, as has become usual).
"""

import math
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import islice
from typing import final

from .check import at_least, instances, positive, refuse
from .datasets._base import Dataset
from .engines._engine import Engine
from .plan import TrainPlan
from .preflight import check_data, check_whole_batches
from .steps import Upcoming, do_step, upcoming_steps
from .train import check_same_arithmetic

SMOOTHING = 0.8
"""The decay of the moving average of the losses, which looks back about five steps."""

TOO_LARGE = 4.0
"""The test ends where the smoothed loss has risen by more than three times its first value."""

SAFETY = 10.0
"""The suggested rate is the one with the smallest smoothed loss, divided by this."""


@final
@dataclass(frozen=True)
class RangeTest:
    """The result: rates and losses, one for each step, up to the first that is too large.

    `losses[k]` is the loss of step k's batch before its update with `rates[k]`; `smoothed[k]` is the exponential moving
    average of the losses up to there. `suggestion` is a tenth of the rate at which the smoothed loss is smallest, or
    None if it never fell: `low` is then too large already, or `high` too small.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    suggestion: float | None


def lr_range_test(
    engine: Engine, data: Dataset, plan: TrainPlan, low: float = 1e-6, high: float = 1.0, num_steps: int = 100
) -> RangeTest:
    """Trains a copy of the network for `num_steps` steps, at rates that grow exponentially from `low` to `high`.

    The engine itself is unchanged, to the bit. The copy continues from its state, with the plan's batches and update
    rule, at these rates instead of the schedule's. Raises an `InputError` if the rates, the plan, the network and the
    data do not fit.
    """
    instances(engine=(engine, Engine), data=(data, Dataset), plan=(plan, TrainPlan))
    positive("low", low, "1e-6 is usual")
    positive("high", high, "1 is usual")
    at_least("num_steps", num_steps, 2, "100 is usual")
    if high <= low:
        raise refuse("high", high, f"greater than low={low}", "1 is usual")
    check_same_arithmetic(engine, plan)
    check_data(engine, data)
    check_whole_batches(plan, data)
    rates = [low * (high / low) ** (k / (num_steps - 1)) for k in range(num_steps)]
    trained, average = deepcopy(engine), 0.0
    losses: list[float] = []
    smoothed: list[float] = []
    for rate, upcoming in zip(rates, _steps(trained, data, plan, num_steps), strict=True):
        loss = do_step(trained, upcoming._replace(lr=rate), plan).item()  # a synchronization at each of a few steps
        average = SMOOTHING * average + (1 - SMOOTHING) * loss
        value = average / (1 - SMOOTHING ** (len(losses) + 1))  # corrects for the average's start at 0
        if not math.isfinite(value) or (losses and value > losses[0] + (TOO_LARGE - 1) * abs(losses[0])):
            break
        losses.append(loss)
        smoothed.append(value)
    return RangeTest(tuple(rates[: len(losses)]), tuple(losses), tuple(smoothed), _suggestion(rates, smoothed))


def _suggestion(rates: list[float], smoothed: list[float]) -> float | None:
    best = min(range(len(smoothed)), key=smoothed.__getitem__, default=0)
    return rates[best] / SAFETY if best else None


def _steps(engine: Engine, data: Dataset, plan: TrainPlan, num_steps: int) -> Iterator[Upcoming]:
    """The next steps, however few epochs the plan has."""
    epochs = -(-(engine.num_updates + num_steps) // plan.steps_per_epoch(data.num_rows))
    longer = replace(plan, epochs=epochs, schedule="constant")
    return islice(upcoming_steps(engine, data, longer, engine.num_updates), num_steps)
