"""Steps down at places of one's own choice."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch

from ..check import inside_unit_interval, refuse
from ._base import Schedule
from ._span import check_span, steps_of


@final
@dataclass(frozen=True)
class MultiStep(Schedule):
    """The rate is multiplied by `gamma` at each of the `milestones` m: factor = gamma^(number of m <= t).

    A milestone is a number of steps (of updates, not of epochs), or a share of the whole run in (0, 1), at the earliest
    the second step; they are in rising order, one kind or the other. `gamma` in (0, 1). He et al. 2016, "Deep residual
    learning for image recognition", section 4.2 (a tenth at 32,000 and 48,000 of 64,000 steps).
    """

    spans = ("milestones",)
    milestones: tuple[float, ...] = (0.5, 0.75)
    gamma: float = 0.1

    def __post_init__(self) -> None:
        several = self.milestones if isinstance(self.milestones, list | tuple) else (self.milestones,)
        for milestone in several:
            check_span("a milestone", milestone)
        if not several or list(several) != sorted(set(several)) or len({type(one) for one in several}) > 1:
            expected = "one or more in rising order, all numbers of steps or all shares of the run"
            raise refuse("milestones", self.milestones, expected, "(0.5, 0.75) is usual")
        object.__setattr__(self, "milestones", tuple(several))
        inside_unit_interval("gamma", self.gamma, "0.1 divides the rate by ten")

    def factor(self, step: int, num_steps: int, seen: Sequence[float] = ()) -> float:
        return float(self.gamma ** sum(milestone <= step for milestone in self._places(num_steps)))

    def _places(self, num_steps: int) -> list[int]:
        return [max(1, steps_of(milestone, num_steps)) for milestone in self.milestones]

    def twin(self, optimizer: torch.optim.Optimizer, num_steps: int) -> torch.optim.lr_scheduler.LRScheduler:
        return torch.optim.lr_scheduler.MultiStepLR(optimizer, self._places(num_steps), gamma=self.gamma)
