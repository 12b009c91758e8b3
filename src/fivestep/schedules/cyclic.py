"""Up and down in straight lines, again and again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch

from ..check import in_unit_interval, positive, refuse
from ._base import Schedule
from ._span import check_span, steps_of


@final
@dataclass(frozen=True)
class Cyclic(Schedule):
    """A triangle in each period of P steps: from `base` up to the plan's rate in the middle, and back.

        factor = base + (1 - base) shrink^k (1 - |2 c / P - 1|)    at step c of period k, both counted from 0

    P is `period`: a number of steps, or a share of the whole run in (0, 1), by default a quarter. `base` in [0, 1).
    `shrink` in (0, 1] makes each triangle so much lower than the one before; 1 is torch's "triangular", 0.5 its
    "triangular2". Smith 2017, "Cyclical learning rates for training neural networks", section 3.1.
    """

    period: float = 0.25
    base: float = 0.1
    shrink: float = 1.0

    def __post_init__(self) -> None:
        check_span("period", self.period)
        in_unit_interval("base", self.base, "0.1 begins at a tenth of the rate")
        positive("shrink", self.shrink, "1 keeps the height")
        if self.shrink > 1:
            raise refuse("shrink", self.shrink, "a number in (0, 1]", "1 keeps the height")

    def factor(self, step: int, num_steps: int, seen: Sequence[float] = ()) -> float:
        period = self._length(num_steps)
        number, place = divmod(step, period)
        return self.base + (1 - self.base) * self.shrink**number * (1 - abs(2 * place / period - 1))

    def _length(self, num_steps: int) -> int:
        return max(2, steps_of(self.period, num_steps))

    def twin(self, optimizer: torch.optim.Optimizer, num_steps: int) -> torch.optim.lr_scheduler.LRScheduler:
        rate = optimizer.param_groups[0]["lr"]
        return torch.optim.lr_scheduler.CyclicLR(
            optimizer,
            base_lr=self.base * rate,
            max_lr=rate,
            step_size_up=self._length(num_steps) / 2,  # type: ignore[arg-type]  # it makes a float of it
            scale_fn=lambda cycle: self.shrink ** (cycle - 1),
            cycle_momentum=False,
        )
