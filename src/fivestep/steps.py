"""The loop, one step at a time."""

from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import NamedTuple

from torch import Tensor

from .averages import to_training
from .batches import Batch, Batches
from .datasets._base import Dataset
from .datasets._weights import weigh_classes
from .engines._base import Engine
from .plan import TrainPlan
from .threads import threads_for


class Step(NamedTuple):
    """A step that has been done. `number` and `epoch` count from 1; `loss` is on the device, from before the update.

    Of a block of steps that are done in one call, this is the last one, with the rows of all and the mean of the losses
    over these rows; `losses` (n,) are then those of its n steps.
    """

    number: int
    epoch: int
    num_rows: int
    loss: Tensor
    losses: Tensor | None = None


class Upcoming(NamedTuple):
    """A step that is about to be done: number and epoch (from 1), learning rate, batch, and strength of the L2 term."""

    number: int
    epoch: int
    lr: float
    batch: Batch
    l2: float = 0.0


def steps(engine: Engine, data: Dataset, plan: TrainPlan, start: int = 0, seen: Sequence[float] = ()) -> Iterator[Step]:
    """Trains, and yields after each step. `start` steps are already done: the run goes on as if it had not stopped.

    `seen` is the caller's list of monitored losses, one per evaluated epoch so far, for a schedule that answers to
    them.
    """
    for upcoming in upcoming_steps(engine, data, plan, start, seen):
        loss = do_step(engine, upcoming, plan)
        yield Step(upcoming.number, upcoming.epoch, len(upcoming.batch.x), loss)


def do_step(engine: Engine, upcoming: Upcoming, plan: TrainPlan) -> Tensor:
    """Does one step, whole or in micro-batches. Returns its loss, on the device, with the L2 term if there is one."""
    to_training(engine)
    engine.lr, engine.l2 = upcoming.lr, upcoming.l2
    penalty = engine.penalty() if upcoming.l2 else None
    with threads_for(engine, len(upcoming.batch.x)):
        if engine.optimizer.repeats:
            loss = engine.train_step_with_repeats(*upcoming.batch)
        elif plan.micro_batch_size is None:
            loss = engine.train_step(*upcoming.batch)
        else:
            loss = engine.train_step_in_parts(upcoming.batch.parts(plan.micro_batch_size))
    return loss if penalty is None else penalty.add_(loss)


def upcoming_steps(
    engine: Engine, data: Dataset, plan: TrainPlan, start: int, seen: Sequence[float] = ()
) -> Iterator[Upcoming]:
    """The steps of the run after the first `start`, each a function of (plan, number) alone. Does none of them."""
    if plan.class_weight is not None:
        data = weigh_classes(data, plan.class_weight, engine.criterion.target, engine.spec.out_features or 0)
    batches = Batches(data, plan.batch_size, plan.seed, engine.dtype, engine.device)
    schedule, num_steps = plan.build_schedule(), plan.num_steps(batches.num_rows)
    per_epoch = plan.steps_per_epoch(batches.num_rows)
    for epoch in range(start // per_epoch, plan.epochs):
        shares = [plan.l2 / total for total in batches.totals(epoch)] if plan.l2 else repeat(0.0)
        for number, (batch, l2) in enumerate(zip(batches.epoch(epoch), shares, strict=False), start=epoch * per_epoch):
            if number >= start:
                yield Upcoming(number + 1, epoch + 1, plan.lr * schedule.factor(number, num_steps, seen), batch, l2)
