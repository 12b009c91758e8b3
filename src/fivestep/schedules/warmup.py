"""Warm-up before another schedule."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import final

import torch

from ..find import Choice, build
from ._base import Schedule
from ._span import check_span, steps_of


@final
@dataclass(frozen=True)
class Warmup(Schedule):
    """S steps up a straight line, then the schedule `then` over what is left.

        factor(t) = (t + 1) / (S + 1)            for t < S
        factor(t) = then.factor(t - S, T - S)    from then on

    No step is wasted at rate zero, and the line meets a schedule that starts at 1 without a jump. S is `steps`: a
    number of steps, or a share of the whole run in (0, 1). `then` is any schedule with its options, as in
    `warmup:steps=100,then=cosine:final=0.1`, in quotes if it has commas of its own. Goyal et al. 2017, "Accurate, large
    minibatch SGD", section 2.2.
    """

    spans = ("steps",)
    steps: float = 0.1
    then: str | Choice = "constant"
    rest: Schedule = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_span("steps", self.steps)
        object.__setattr__(self, "then", Choice.parse(self.then))
        object.__setattr__(self, "rest", build("schedules", self.then))
        object.__setattr__(self, "answers", self.rest.answers)

    def factor(self, step: int, num_steps: int, seen: Sequence[float] = ()) -> float:
        rising = steps_of(self.steps, num_steps)
        if step < rising:
            return (step + 1) / (rising + 1)
        return self.rest.factor(step - rising, num_steps - rising, seen)

    def twin(self, optimizer: torch.optim.Optimizer, num_steps: int) -> torch.optim.lr_scheduler.LRScheduler:
        rising = steps_of(self.steps, num_steps)
        rest = self.rest.twin(optimizer, max(1, num_steps - rising))
        if rising == 0:
            return rest
        line = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=1 / (rising + 1), total_iters=rising)
        return torch.optim.lr_scheduler.SequentialLR(optimizer, [line, rest], milestones=[rising])
