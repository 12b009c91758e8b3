"""A training run repeated, to look at chosen steps: pictures over time need what no run stores.

A run is a function of its plan, its seed and its rows, so repeating its steps gives the same numbers, on the same
machine and engine to the last bit. So training pays nothing for pictures that may never be drawn.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import final

from torch import Tensor

from .batches import Batch
from .datasets._base import Dataset
from .engines._base import FiveStepEngine
from .engines._engine import Engine
from .epoch import Epoch, monitored
from .machine.threads import threads_for
from .steps import Upcoming, do_step, upcoming_steps
from .typing import Scalar, Vector


@final
@dataclass(frozen=True)
class Moment:
    """One step of a run: number and epoch (from 1), rate, loss; and weights before it, gradient and change, each (P,).

    The gradient is that of `backward`, before any clipping.
    """

    step: int
    epoch: int
    lr: float
    loss: float
    weights: Vector
    gradient: Vector
    change: Vector


def replay(
    engine: FiveStepEngine, data: Dataset, wanted: Collection[int], history: Sequence[Epoch] = ()
) -> Iterator[Moment]:
    """Trains an engine from its current state to the last of the `wanted` steps, and yields those.

    At a yield the engine has done the step. `history` is that of the run, for schedules that react to its losses.
    """
    plan, last = engine.plan, max(wanted, default=0)
    for upcoming in upcoming_with(engine, data, history, []):
        if upcoming.number > last:
            return
        if upcoming.number in wanted:
            before, gradient = engine.params.flat.clone(), gradient_of(engine, upcoming.batch)
            loss = do_step(engine, upcoming, plan).item()
            change = engine.params.flat - before
            yield Moment(upcoming.number, upcoming.epoch, upcoming.lr, loss, before, gradient, change)
        else:
            do_step(engine, upcoming, plan)


def upcoming_with(engine: Engine, data: Dataset, history: Sequence[Epoch], seen: list[float]) -> Iterator[Upcoming]:
    """The steps that the engine has yet to do, in a run with this history.

    `seen` is filled with the monitored figure of each epoch once its last step is done.
    """
    shown = {epoch.step: monitored(epoch, engine.plan) for epoch in history}
    seen += [loss for step, loss in shown.items() if step <= engine.num_updates]
    for upcoming in upcoming_steps(engine, data, engine.plan, engine.num_updates, seen):
        yield upcoming
        if upcoming.number in shown:
            seen.append(shown[upcoming.number])


def gradient_of(engine: FiveStepEngine, batch: Batch) -> Vector:
    """A copy of the gradient of a batch; the engine's weights, statistics and draws stay as they are."""
    buffers: Tensor = engine.params.buffers.clone()
    loss_and_gradient(engine, batch)
    engine.params.buffers.copy_(buffers)
    return engine.params.grad.clone()


def loss_and_gradient(engine: FiveStepEngine, batch: Batch) -> Scalar:
    """Steps 1 to 4: the loss and a copy of the gradient."""
    with threads_for(engine, len(batch.x)):
        loss = engine.loss(engine.forward(batch.x), batch.y, batch.weight)
        engine.zero_grad()
        engine.backward()
    return loss.detach()
