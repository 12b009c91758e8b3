"""The loop, one step at a time, or one block of steps at a time for an engine that does them in one call."""

from collections.abc import Iterator, Sequence
from functools import cache, partial
from itertools import islice, repeat
from typing import NamedTuple

import torch
from torch import Tensor

from .batches import Batch, Batches
from .blocks import Blocks
from .check import instances, plain, refuse
from .datasets._base import Dataset
from .datasets._weights import weigh_classes
from .engines._engine import BlockEngine, Engine
from .layer import LearnsFromRows, Memo
from .machine.threads import one_thread, threads_for
from .plan import TrainPlan
from .schedules._base import Schedule
from .schedules.constant import Constant

SECONDS_PER_BLOCK = 0.1
"""How long a block of steps takes, about: progress, Ctrl-C and checkpoints wait for its end."""

SECONDS_PER_OPERATION, SECONDS_PER_STEP = 1e-10, 1e-6
"""The assumed cost of the first block, before one has been timed: an upper estimate."""

ROWS_TO_LEARN_FROM = 100_000
"""How many rows, evenly spaced, are enough to learn percentiles from."""


class Step(NamedTuple):
    """A finished step. `number` and `epoch` count from 1; `loss` is on the device, measured before the update.

    For a block of n steps done in one call, this is the last of them, with the rows of all and the mean loss over these
    rows; `losses` (n,) has the loss of each.
    """

    number: int
    epoch: int
    num_rows: int
    loss: Tensor
    losses: Tensor | None = None


class Upcoming(NamedTuple):
    """A step that is about to be done: number and epoch (from 1), learning rate, batch, and strength of the L2 term.

    A batch that ranks share has `places`: where this rank's parts lie in it, and how many rows the whole batch has.
    """

    number: int
    epoch: int
    lr: float
    batch: Batch
    l2: float = 0.0
    places: tuple[Sequence[slice], int] | None = None

    @property
    def num_rows(self) -> int:
        """The rows of the whole batch."""
        return len(self.batch.x) if self.places is None else self.places[1]


def steps(
    engine: Engine,
    data: Dataset,
    plan: TrainPlan,
    start: int = 0,
    seen: Sequence[float] = (),
    every: int | None = None,
) -> Iterator[Step]:
    """Trains, and yields after each step. `start` steps are already done: the run goes on as if it had never stopped.

    An engine that does many steps in one call (`fused`) yields after each block of them, about ten times a second; no
    block runs past the end of every `every`-th epoch. `seen` is the caller's list of monitored losses, one per
    evaluated epoch so far, for schedules that react to them. Raises an `InputError` if there are not as many steps as
    `start`, or the loss does not accept the targets.
    """
    instances(engine=(engine, Engine), data=(data, Dataset), plan=(plan, TrainPlan))
    num_steps = plan.num_steps(data.num_rows)
    if not isinstance(plain(start), int) or not 0 <= start <= num_steps:
        raise refuse("start", start, f"0 to {num_steps}, the number of steps", "pass engine.num_updates to go on")
    if isinstance(engine, BlockEngine):
        yield from _in_blocks(engine, data, plan, start, seen, every)
        return
    for upcoming in upcoming_steps(engine, data, plan, start, seen):
        loss = do_step(engine, upcoming, plan)
        yield Step(upcoming.number, upcoming.epoch, upcoming.num_rows, loss)


def do_step(engine: Engine, upcoming: Upcoming, plan: TrainPlan) -> Tensor:
    """Does one step, whole or in micro-batches. Returns its loss, on the device, with the L2 term if there is one."""
    engine.lr, engine.l2 = upcoming.lr, upcoming.l2
    penalty = engine.penalty() if upcoming.l2 else None
    batch, places, part = upcoming.batch, upcoming.places, plan.micro_batch_size
    with threads_for(engine, len(batch.x)):
        if engine.optimizer.repeats:
            place, rows = (None, batch) if places is None else batch.at(*places)[0]
            loss = engine.train_step_with_repeats(*rows, place)
        elif places is not None:
            loss = engine.train_step_in_parts(batch.at(*places))
        else:
            loss = engine.train_step(*batch) if part is None else engine.train_step_in_parts(batch.parts(part))
    return loss if penalty is None else penalty.add_(loss)


def upcoming_steps(
    engine: Engine, data: Dataset, plan: TrainPlan, start: int, seen: Sequence[float] = ()
) -> Iterator[Upcoming]:
    """The steps of the run after the first `start`, each a function of (plan, number) alone. Does none of them."""
    data = weighed(engine, data.for_epochs(plan.epochs), plan)
    learn_from_rows(engine, data)
    places = None if engine.ranks.are_alone else cache(partial(engine.ranks.places, part=plan.micro_batch_size))
    batches = Batches(data, plan.batch_size, plan.seed, engine.dtype, engine.device, places)
    schedule, num_steps = plan.build_schedule(), plan.num_steps(batches.num_rows)
    per_epoch = plan.steps_per_epoch(batches.num_rows)
    for epoch in range(start // per_epoch, plan.epochs):
        shares = [plan.l2 / total for total in batches.totals(epoch)] if plan.l2 else repeat(0.0)
        first = max(start - epoch * per_epoch, 0)  # steps already done of the epoch in which the run resumes
        pairs = zip(batches.epoch(epoch, first), islice(shares, first, None), strict=False)
        for number, (batch, l2) in enumerate(pairs, start=epoch * per_epoch + first):
            lr = plan.lr * schedule.factor(number, num_steps, seen)
            size = min(batches.size, batches.num_rows - (number - epoch * per_epoch) * batches.size)
            yield Upcoming(number + 1, epoch + 1, lr, batch, l2, None if places is None else (places(size), size))


@torch.no_grad()
def learn_from_rows(engine: Engine, data: Dataset) -> None:
    """Lets the layers that learn from the training rows do so, if they have not yet."""
    for k, layer in enumerate(engine.layers):
        if isinstance(layer, LearnsFromRows) and not layer.has_learned(engine.params.weights[k]):
            every = -(-len(data.train) // ROWS_TO_LEARN_FROM)
            rows = data.train.take(slice(None, None, every)).to(engine.device, engine.dtype)
            x = engine.as_input(rows.inputs(engine.dtype))
            for below, w in zip(engine.layers[:k], engine.params.weights, strict=False):
                x = below.forward(w, x, Memo(training=False))
            layer.learn_(engine.params.weights[k], x, rows.weight)


def _in_blocks(
    engine: BlockEngine, data: Dataset, plan: TrainPlan, start: int, seen: Sequence[float], every: int | None
) -> Iterator[Step]:
    """The same steps, in blocks that take about a tenth of a second each."""
    data = weighed(engine, data.for_epochs(plan.epochs), plan)
    learn_from_rows(engine, data)
    engine.check_targets(data.train)
    blocks = Blocks(data, plan.batch_size, plan.seed, engine.dtype, engine.device, engine.row_access)
    schedule, num_steps = plan.build_schedule(), plan.num_steps(blocks.num_rows)
    per_epoch = plan.steps_per_epoch(blocks.num_rows)
    done, period = start, per_epoch * (every or plan.epochs)
    seconds_per_step = expected_seconds(engine, plan, blocks.num_rows)
    try:
        while done < num_steps:
            end = min(done - done % period + period, num_steps, done + blocks.most_steps)
            end = min(end, done + max(1, round(SECONDS_PER_BLOCK / seconds_per_step)))
            rates = schedule_factors(schedule, done, end, num_steps, seen) * plan.lr
            started = engine.clock
            with one_thread():
                block = blocks.take(done, rates, plan.l2)
            losses = engine.train_block(block)
            if losses.is_cuda:  # where the work may still be running
                blocks.draw_ahead(end, min(2 * end - done, num_steps))
                # A synchronization, ten times a second; of this stream only, as another thread may be recording a graph
                # on the same device, which must not be synchronized meanwhile.
                torch.cuda.current_stream(losses.device).synchronize()
            seconds_per_step = (engine.clock - started) / (end - done)
            engine.lr, done = rates[-1].item(), end
            with one_thread():  # the mean of some ten thousand losses: two threads would wait for each other
                total = int(block.num_rows.sum())
                mean = losses @ (block.num_rows.to(losses) / total)
            yield Step(done, (done - 1) // per_epoch + 1, total, mean, losses)
    finally:
        engine.release()


def schedule_factors(schedule: Schedule, start: int, stop: int, num_steps: int, seen: Sequence[float]) -> Tensor:
    """The factors of a schedule for steps start to stop - 1; a single call where all are the same."""
    if isinstance(schedule, Constant):
        return torch.full((stop - start,), schedule.factor(start, num_steps, seen), dtype=torch.float64)
    factors = [schedule.factor(number, num_steps, seen) for number in range(start, stop)]
    return torch.tensor(factors, dtype=torch.float64)


def expected_seconds(engine: Engine, plan: TrainPlan, num_rows: int) -> float:
    """The expected time of a step in a compiled block, before one has been timed."""
    operations = 6 * (plan.batch_size or num_rows) * engine.params.flat.numel()
    return SECONDS_PER_STEP + SECONDS_PER_OPERATION * operations


def weighed(engine: Engine, data: Dataset, plan: TrainPlan) -> Dataset:
    """The data with the plan's class weights as row weights."""
    if plan.class_weight is None:
        return data
    return weigh_classes(data, plan.class_weight, engine.criterion.target, engine.spec.out_features or 0)
