"""Cosine annealing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch

from ..check import in_unit_interval
from ._base import Schedule


@final
@dataclass(frozen=True)
class Cosine(Schedule):
    """Half a cosine wave from 1 down to `final`: factor = final + (1 - final) (1 + cos(pi t / T)) / 2 over T steps.

    `final` in [0, 1). Loshchilov and Hutter 2017, "SGDR: stochastic gradient descent with warm restarts", equation 5,
    without restarts.
    """

    final: float = 0.0

    def __post_init__(self) -> None:
        in_unit_interval("final", self.final, "0 lets the learning rate end at zero")

    def factor(self, step: int, num_steps: int, seen: Sequence[float] = ()) -> float:
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * step / num_steps)) / 2

    def twin(self, optimizer: torch.optim.Optimizer, num_steps: int) -> torch.optim.lr_scheduler.LRScheduler:
        eta_min = self.final * optimizer.param_groups[0]["lr"]
        return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, num_steps, eta_min=eta_min)
