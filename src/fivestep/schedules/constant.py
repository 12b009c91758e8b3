"""The constant learning rate."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch

from ._base import Schedule


@final
@dataclass(frozen=True)
class Constant(Schedule):
    """The factor is 1 at every step."""

    def factor(self, step: int, num_steps: int, seen: Sequence[float] = ()) -> float:
        return 1.0

    def twin(self, optimizer: torch.optim.Optimizer, num_steps: int) -> torch.optim.lr_scheduler.LRScheduler:
        return torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0, total_iters=num_steps)
