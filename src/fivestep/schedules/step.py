"""Steps down."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch

from ..check import inside_unit_interval
from ._base import Schedule
from ._span import check_span, steps_of


@final
@dataclass(frozen=True)
class Step(Schedule):
    """The rate is multiplied by `gamma` every S steps: factor = gamma^floor(t / S).

    S is `every`: a number of steps (of updates, not of epochs), or a share of the whole run in (0, 1), so that 0.3
    means at 30, 60 and 90 percent; `multi_step` takes places of your own. `gamma` in (0, 1). He et al. 2016, "Deep
    residual learning for image recognition", section 3.4.
    """

    spans = ("every",)
    every: float = 0.3
    gamma: float = 0.1

    def __post_init__(self) -> None:
        check_span("every", self.every)
        inside_unit_interval("gamma", self.gamma, "0.1 divides the rate by ten")

    def factor(self, step: int, num_steps: int, seen: Sequence[float] = ()) -> float:
        return self.gamma ** (step // self._length(num_steps))

    def _length(self, num_steps: int) -> int:
        return max(1, steps_of(self.every, num_steps))

    def twin(self, optimizer: torch.optim.Optimizer, num_steps: int) -> torch.optim.lr_scheduler.LRScheduler:
        return torch.optim.lr_scheduler.StepLR(optimizer, self._length(num_steps), gamma=self.gamma)
