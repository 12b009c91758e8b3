"""Four waves, each twice as long as the one before it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch

from ._base import Schedule


@final
@dataclass(frozen=True)
class CosLog4(Schedule):
    """Four times from 0 up to 1 and back: factor = (1 - cos(2 pi log2(1 + 15 t / T))) / 2 over T steps.

    The waves end at t / T = 1/15, 3/15, 7/15 and 15/15. The first step has the rate 0. Holzmueller, Grinsztajn and
    Steinwart 2024, "Better by default: strong pre-tuned MLPs and boosted trees on tabular data" (the rate of RealMLP).
    """

    def factor(self, step: int, num_steps: int, seen: Sequence[float] = ()) -> float:
        return (1 - math.cos(2 * math.pi * math.log2(1 + 15 * step / num_steps))) / 2

    def twin(self, optimizer: torch.optim.Optimizer, num_steps: int) -> torch.optim.lr_scheduler.LRScheduler:
        def factor(step: int) -> float:  # torch has none: (1 - cos 2a) / 2 = sin^2 a
            return math.sin(math.pi * math.log2(1 + 15 * step / num_steps)) ** 2

        return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
