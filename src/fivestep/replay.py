"""A training run done again, with a look at chosen steps: what a picture over time needs, and what no run stores.

A run is a function of its plan, its seed and its rows, so doing its steps again gives the same numbers; on the same
machine and engine, to the last bit. The training itself pays nothing for pictures that nobody may ask for.
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
    """One step of a run: its number and epoch (from 1), rate, loss, weights before it, gradient, and change, all (P,).

    The gradient is the one that `backward` found, before any clipping.
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
    """Trains an engine from where it stands to the last of the `wanted` steps, and yields these.

    At a yield the engine has done the step. `history` is that of the run, for a schedule that answers to its losses.
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
    """The steps that the engine has still to do, in a run that has had this history.

    `seen` is filled with what was monitored of its epochs, each when its last step has been done.
    """
    shown = {epoch.step: monitored(epoch, engine.plan) for epoch in history}
    seen += [loss for step, loss in shown.items() if step <= engine.num_updates]
    for upcoming in upcoming_steps(engine, data, engine.plan, engine.num_updates, seen):
        yield upcoming
        if upcoming.number in shown:
            seen.append(shown[upcoming.number])


def gradient_of(engine: FiveStepEngine, batch: Batch) -> Vector:
    """A copy of the gradient of a batch, without a trace: weights, statistics and draws stay as they are."""
    buffers: Tensor = engine.params.buffers.clone()
    loss_and_gradient(engine, batch)
    engine.params.buffers.copy_(buffers)
    return engine.params.grad.clone()


def loss_and_gradient(engine: FiveStepEngine, batch: Batch) -> Scalar:
    """Steps 1 to 4."""
    with threads_for(engine, len(batch.x)):
        loss = engine.loss(engine.forward(batch.x), batch.y, batch.weight)
        engine.zero_grad()
        engine.backward()
    return loss.detach()
