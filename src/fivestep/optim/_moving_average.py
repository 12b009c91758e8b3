"""The exponential moving average of the weights, beside any update rule."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor, nn

from ..typing import Elements
from ._base import Again, AveragingOptimizer, Optimizer
from ._numbers import Number, is_above

AVERAGE = "moving_average"


@final
@dataclass(frozen=True)
class MovingAverage(AveragingOptimizer):
    """Steps as `rule` does, and keeps w_ema <- decay w_ema + (1 - decay) w, which starts at w after the first step.

    About the last 1 / (1 - decay) steps count. `decay` in [0, 1). Polyak and Juditsky 1992, "Acceleration of
    stochastic approximation by averaging", with weights that fade; the start is that of torch's `AveragedModel`.
    """

    rule: Optimizer
    decay: float

    def check(self) -> None:
        """The plan has checked `decay`, and `rule` itself."""

    def state(self, w: Elements) -> dict[str, Tensor]:
        return {**self.rule.state(w), AVERAGE: w.clone()}

    def update_(
        self, w: Elements, dw: Elements, state: dict[str, Tensor], lr: Number, step: Number, again: Again | None = None
    ) -> None:
        self.rule.update_(w, dw, state, lr, step, again)
        state[AVERAGE].lerp_(w, 1 - self.decay * is_above(step, 1))

    def average(self, w: Elements, state: Mapping[str, Tensor]) -> Elements:
        return state.get(AVERAGE, w)

    def twin(self, parameters: Iterable[nn.Parameter], lr: float) -> torch.optim.Optimizer:
        twin = self.rule.twin(parameters, lr)
        twin.register_step_post_hook(self._follow)
        return twin

    @torch.no_grad()
    def _follow(self, twin: torch.optim.Optimizer, _args: Any, _kwargs: Any) -> None:
        for parameter in (parameter for group in twin.param_groups for parameter in group["params"]):
            memory = twin.state[parameter]
            if AVERAGE in memory:
                memory[AVERAGE].lerp_(parameter, 1 - self.decay)
            else:
                memory[AVERAGE] = parameter.detach().clone()


def without_average(rule: Optimizer) -> Optimizer:
    """The rule that moves the weights, an average beside it or not."""
    return rule.rule if isinstance(rule, MovingAverage) else rule
