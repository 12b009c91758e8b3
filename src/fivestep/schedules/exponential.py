"""Exponential decay."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch

from ..check import inside_unit_interval
from ._base import Schedule


@final
@dataclass(frozen=True)
class Exponential(Schedule):
    """Falls by the same share at every step, toward `final` at the end: factor = final^(t / T) over T steps.

    `final` in (0, 1). For a run that has an end: without one the rates would have a finite sum, against the first
    condition of Robbins and Monro 1951, "A stochastic approximation method", equation 6.
    """

    final: float = 0.01

    def __post_init__(self) -> None:
        inside_unit_interval("final", self.final, "0.01 ends at a hundredth of the rate")

    def factor(self, step: int, num_steps: int, seen: Sequence[float] = ()) -> float:
        return float(self.final ** (step / num_steps))

    def twin(self, optimizer: torch.optim.Optimizer, num_steps: int) -> torch.optim.lr_scheduler.LRScheduler:
        return torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=self.final ** (1 / num_steps))
