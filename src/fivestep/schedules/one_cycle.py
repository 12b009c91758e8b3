"""One cycle."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch

from ..check import inside_unit_interval, one_of, refuse
from ._base import Schedule


def _wave(start: float, end: float, way: float) -> float:
    """Half a cosine wave from `start` to `end`, at `way` in [0, 1]."""
    return end + (start - end) * (1 + math.cos(math.pi * way)) / 2


def _line(start: float, end: float, way: float) -> float:
    """A straight line between the same two."""
    return start * (1 - way) + end * way  # exact at both ends


WAYS = {"cos": _wave, "linear": _line}


@final
@dataclass(frozen=True)
class OneCycle(Schedule):
    """Half a cosine wave up to the plan's rate, then half a wave down to almost nothing; or two straight lines.

        from 1 / div_factor                         at t = 0
        up to 1                                     at t = pct_start T - 1
        down to 1 / (div_factor final_div_factor)   at t = T - 1, the last of T steps

    `pct_start` in (0, 1), both divisors at least 1; `anneal_strategy` is "cos" for waves or "linear" for lines.
    Momentum stays as it is (torch can let it fall while the rate rises). Smith and Topin 2019, "Super-convergence: very
    fast training of neural networks using large learning rates", with waves for straight lines, as in torch.
    """

    pct_start: float = 0.3
    div_factor: float = 25.0
    final_div_factor: float = 1e4
    anneal_strategy: str = "cos"

    def __post_init__(self) -> None:
        inside_unit_interval("pct_start", self.pct_start, "0.3 spends three tenths of the run on the way up")
        one_of("anneal_strategy", str(self.anneal_strategy), WAYS)
        for name in ("div_factor", "final_div_factor"):
            if not 1 <= getattr(self, name) < math.inf:
                raise refuse(name, getattr(self, name), "a finite number of at least 1", "25 and 1e4 are usual")

    def factor(self, step: int, num_steps: int, seen: Sequence[float] = ()) -> float:
        first, last = 1 / self.div_factor, 1 / (self.div_factor * self.final_div_factor)
        top, end = self.pct_start * num_steps - 1, num_steps - 1
        way = WAYS[self.anneal_strategy]
        if step < top:
            return way(first, 1.0, step / top)
        return way(1.0, last, (step - top) / (end - top))

    def twin(self, optimizer: torch.optim.Optimizer, num_steps: int) -> torch.optim.lr_scheduler.LRScheduler:
        return torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            max_lr=optimizer.param_groups[0]["lr"],
            total_steps=num_steps,
            pct_start=self.pct_start,
            anneal_strategy=self.anneal_strategy,  # type: ignore[arg-type]  # checked
            cycle_momentum=False,
            div_factor=self.div_factor,
            final_div_factor=self.final_div_factor,
        )
