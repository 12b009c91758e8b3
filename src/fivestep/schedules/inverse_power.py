"""A rate that falls with a power of the rows seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch

from ..check import at_least, not_negative
from ._base import Schedule


@final
@dataclass(frozen=True)
class InversePower(Schedule):
    """factor = 1 / (1 + t)^power in steps of an epoch, t the rows seen before it; the first epoch has the factor 1.

    An epoch is `steps` updates on `rows` rows together; as they stand by default, t simply counts the updates.
    `seen_before` rows count too, of runs that this one goes on from. `power` is at least 0: above 1/2 and at most 1 the
    rates have the infinite sum and the finite sum of squares of Robbins and Monro 1951, "A stochastic approximation
    method", equations 6 and 7. scikit-learn's "invscaling", whose `power_t` is 0.5.
    """

    power: float = 0.5
    rows: int = 1
    steps: int = 1
    seen_before: int = 0

    def __post_init__(self) -> None:
        not_negative("power", self.power, "0.5 is usual")
        at_least("rows", self.rows, 1, "it counts the rows of an epoch")
        at_least("steps", self.steps, 1, "it counts the updates of an epoch")
        at_least("seen_before", self.seen_before, 0, "it counts rows")

    def factor(self, step: int, num_steps: int, seen: Sequence[float] = ()) -> float:
        epoch = step // self.steps
        return float((1 + self.seen_before + epoch * self.rows) ** -self.power) if epoch else 1.0

    def twin(self, optimizer: torch.optim.Optimizer, num_steps: int) -> torch.optim.lr_scheduler.LRScheduler:
        return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: self.factor(step, num_steps))
