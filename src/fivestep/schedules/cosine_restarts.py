"""Cosine annealing with warm restarts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch

from ..check import at_least, in_unit_interval
from ._base import Schedule
from ._span import check_span, steps_of


@final
@dataclass(frozen=True)
class CosineRestarts(Schedule):
    """Cosine annealing that starts again at 1 after each period: P steps, then P growth, then P growth^2, ...

        factor = final + (1 - final) (1 + cos(pi c / C)) / 2    at step c of a period of C

    P is `period`: a number of steps, or a share of the whole run in (0, 1), by default a quarter, so that the fourth
    period ends with the run. `growth` is a whole number of at least 1, `final` in [0, 1). Loshchilov and Hutter 2017,
    "SGDR: stochastic gradient descent with warm restarts", equation 5.
    """

    period: float = 0.25
    growth: int = 1
    final: float = 0.0

    def __post_init__(self) -> None:
        check_span("period", self.period)
        at_least("growth", self.growth, 1, "2 doubles each period")
        in_unit_interval("final", self.final, "0 lets the learning rate end at zero")

    def factor(self, step: int, num_steps: int, seen: Sequence[float] = ()) -> float:
        length = self._first(num_steps)
        if self.growth == 1:
            step %= length
        while step >= length:
            step -= length
            length *= self.growth
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * step / length)) / 2

    def _first(self, num_steps: int) -> int:
        return max(1, steps_of(self.period, num_steps))

    def twin(self, optimizer: torch.optim.Optimizer, num_steps: int) -> torch.optim.lr_scheduler.LRScheduler:
        return torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(
            optimizer, self._first(num_steps), self.growth, eta_min=self.final * optimizer.param_groups[0]["lr"]
        )
