"""Polynomial decay."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch

from ..check import in_unit_interval, positive
from ._base import Schedule


@final
@dataclass(frozen=True)
class Polynomial(Schedule):
    """A power of the time that is left: factor = final + (1 - final) (1 - t / T)^power over T steps.

    `power` 1 is a straight line. `power` greater than 0, `final` in [0, 1). Chen et al. 2017, "DeepLab: semantic image
    segmentation", section 4.1 (the "poly" policy, power 0.9).
    """

    power: float = 1.0
    final: float = 0.0

    def __post_init__(self) -> None:
        positive("power", self.power, "1 is a straight line")
        in_unit_interval("final", self.final, "0 lets the learning rate end at zero")

    def factor(self, step: int, num_steps: int, seen: Sequence[float] = ()) -> float:
        return self.final + (1 - self.final) * float((1 - step / num_steps) ** self.power)

    def twin(self, optimizer: torch.optim.Optimizer, num_steps: int) -> torch.optim.lr_scheduler.LRScheduler:
        if self.final:  # torch's own ends at zero
            return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: self.factor(step, num_steps))
        return torch.optim.lr_scheduler.PolynomialLR(optimizer, num_steps, self.power)
