"""Where a run stands between two steps, beside the state of its engine."""

from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor

from .blocks import rows_of_steps
from .engines._engine import Engine
from .epoch import Epoch, monitored
from .machine.threads import one_thread
from .plan import TrainPlan
from .steps import Step
from .stopping import Best
from .typing import Elements, Tensors

LOSSES_PER_VECTOR = 1000
"""Losses of single steps that share one vector. As separate tensors they would lie between the large ones that come and
go in each step, and fragment the memory: an epoch of 600 steps on 60 MB of rows took 120 MB more."""


@final
class Progress:
    """What the loop remembers: with it and the engine's state, a run resumes as if it had never stopped.

    `epochs` is the number of the last `Epoch` shown; since then, `losses` are those of all steps, on the device,
    `num_rows` counts their rows, and `seconds` is their time. `history` holds every `Epoch` shown, `seen` what the plan
    monitors of each, and `best` remembers the best one. `is_at_epoch` is False from the first step of an epoch until it
    has been measured. If `measures_training` is False, the training part is measured after the last epoch only; before
    that, the running loss stands in for its loss.
    """

    def __init__(self, engine: Engine, plan: TrainPlan, epochs: int = 0) -> None:
        self.epochs = epochs
        self.num_rows, self.seconds = 0, 0.0
        self.history: list[Epoch] = []
        self.seen: list[float] = []
        self.best = Best(plan)
        self.measures_training = True
        self.is_at_epoch = True
        self._plan, self._engine = plan, engine
        self._losses: list[Tensor] = []
        self._single, self._num_single = engine.params.flat.new_empty(LOSSES_PER_VECTOR), 0

    def add(self, step: Step) -> None:
        """Counts a finished step, or block of steps; nothing is read from the device."""
        self.num_rows += step.num_rows
        if step.losses is not None:
            self._losses.append(step.losses)
            return
        if self._num_single == LOSSES_PER_VECTOR:
            self._losses, self._num_single = [self.losses], 0
        self._single[self._num_single] = step.loss
        self._num_single += 1

    @property
    def losses(self) -> Elements:
        """The losses of the steps since the last `Epoch`: one vector, however many of them were done in one call."""
        if len(self._losses) == 1 and not self._num_single:
            return self._losses[0]
        return torch.cat([*self._losses, self._single[: self._num_single]])

    def running_loss(self, num_rows: int) -> float:
        """The mean of `losses` over the rows, for a training part of `num_rows` rows; a host-device synchronization.

        Summed in float64 and in one call, so it does not depend on how the steps were split into blocks or runs.
        """
        losses, size = self.losses.cpu().double(), self._plan.batch_size or num_rows
        done = self._engine.num_updates
        rows = rows_of_steps(range(done - len(losses), done), num_rows, size, torch.float64)
        with one_thread():  # as in steps.py
            return (losses.dot(rows) / rows.sum()).item()

    def note(self, epoch: Epoch) -> None:
        """Counts a measured epoch, with the weights that the engine holds, and resets the sums."""
        self.epochs = epoch.index
        self.history.append(epoch)
        self.seen.append(monitored(epoch, self._plan))
        self.best.note(epoch, self._engine)
        self._losses, self._num_single, self.num_rows, self.seconds = [], 0, 0, 0.0
        self.is_at_epoch = True

    def is_over(self) -> bool:
        """Whether the run is finished: all epochs are done, or the best one is too long ago."""
        return self.epochs >= self._plan.epochs or self.best.is_long_ago()

    def recall(self, history: Sequence[Epoch], best_weights: Tensors, losses: Elements) -> None:
        """Restores the state after those epochs; the caller sets `num_rows` and `seconds`."""
        self.epochs = history[-1].index if history else 0
        self.history[:] = history
        self.seen[:] = [monitored(epoch, self._plan) for epoch in history]
        self.best.recall(self.seen, best_weights)
        self._losses, self._num_single = [losses], 0
