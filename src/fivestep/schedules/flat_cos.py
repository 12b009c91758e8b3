"""Flat, then a cosine."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch

from ..check import in_unit_interval
from ._base import Schedule


@final
@dataclass(frozen=True)
class FlatCos(Schedule):
    """The full rate for the first part of the run, then half a cosine wave down to zero.

        factor = 1                                             for t / T <= flat
        factor = (1 + cos(pi (t / T - flat) / (1 - flat))) / 2  from then on, over T steps in all

    `flat` in [0, 1); 0 is `cosine`. Holzmueller, Grinsztajn and Steinwart 2024, "Better by default: strong pre-tuned
    MLPs and boosted trees on tabular data" (there flat = 1/2).
    """

    flat: float = 0.5

    def __post_init__(self) -> None:
        in_unit_interval("flat", self.flat, "0.5 is usual")

    def factor(self, step: int, num_steps: int, seen: Sequence[float] = ()) -> float:
        way = max(0.0, step / num_steps - self.flat) / (1 - self.flat)
        return (1 + math.cos(math.pi * way)) / 2

    def twin(self, optimizer: torch.optim.Optimizer, num_steps: int) -> torch.optim.lr_scheduler.LRScheduler:
        def factor(step: int) -> float:  # torch has none: the wave as a square, sin^2 of half the angle from its end
            left = min(1.0, (1 - step / num_steps) / (1 - self.flat))
            return math.sin(math.pi / 2 * left) ** 2

        return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
