"""What a schedule provides: the factor on the learning rate at each step."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import torch


class Schedule(ABC):
    """A function of the step, as frozen data: step t (counted from 0) has the rate `plan.lr * factor(t, num_steps)`."""

    spans: ClassVar[Sequence[str]] = ()
    """The options that are positions in the run, as numbers of steps or as shares. One at or beyond the end is
    ignored."""

    answers: bool = False
    """Whether the factor depends on evaluated epochs, so that every epoch must be evaluated."""

    @abstractmethod
    def factor(self, step: int, num_steps: int, seen: Sequence[float] = ()) -> float:
        """The factor on the learning rate for step 0 <= `step` < `num_steps`.

        `seen` holds the monitored loss of each evaluated epoch so far, for schedules that react to it.
        """

    @abstractmethod
    def twin(self, optimizer: torch.optim.Optimizer, num_steps: int) -> torch.optim.lr_scheduler.LRScheduler:
        """The same schedule in `torch.optim.lr_scheduler`, stepped once after every update.

        One that answers to what is seen is torch's `ReduceLROnPlateau`, stepped with the figure of each evaluation.
        """
