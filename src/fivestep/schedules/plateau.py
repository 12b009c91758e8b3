"""A rate that falls when the loss does not."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, final

import torch

from ..check import at_least, in_unit_interval, inside_unit_interval, not_negative, one_of
from ._base import Schedule
from ._fold import Fold


class _State(NamedTuple):
    factor: float = 1.0
    best: float = math.inf
    num_bad: int = 0
    cooling: int = 0


@final
@dataclass(frozen=True)
class Plateau(Schedule):
    """The rate is multiplied by `gamma` when more than `patience` evaluations in a row were not better than the best.

    Better is below best * (1 - threshold), or with `threshold_mode` "abs" below best - threshold, the one for losses
    that may be negative, as poisson's. For `cooldown` evaluations after a fall none counts as bad. The factor never
    falls below `least`. An evaluation is what `train` does at every n-th epoch (`every=n`), so with n = 5 a patience of
    2 is ten epochs; what it looks at is the plan's `monitor`, on the validation part where there is one. `gamma` in (0,
    1), `patience` and `cooldown` whole numbers of at least 0, `least` in [0, 1), `threshold` at least 0, and below 1
    where it is a share.

    A pure function of the figures seen so far, so steps that are done again have the same rates. The rule is that of
    torch's `ReduceLROnPlateau`, whose `factor` is `gamma` here, and whose `min_lr` is `least` times the plan's rate.
    """

    answers = True
    gamma: float = 0.1
    patience: int = 10
    threshold: float = 1e-4
    threshold_mode: str = "rel"
    cooldown: int = 0
    least: float = 0.0
    _fold: Fold[_State] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        inside_unit_interval("gamma", self.gamma, "0.1 divides the rate by ten")
        at_least("patience", self.patience, 0, "it counts evaluations")
        at_least("cooldown", self.cooldown, 0, "it counts evaluations")
        one_of("threshold_mode", str(self.threshold_mode), ("rel", "abs"))
        if self.threshold_mode == "rel":
            in_unit_interval("threshold", self.threshold, "1e-4 is usual")
        not_negative("threshold", self.threshold, "1e-4 is usual")
        in_unit_interval("least", self.least, "0 sets no limit")
        object.__setattr__(self, "_fold", Fold(_State(), self._after))

    def factor(self, step: int, num_steps: int, seen: Sequence[float] = ()) -> float:
        return self._fold.over(seen).factor

    def _after(self, before: _State, value: float) -> _State:
        factor, best, num_bad, cooling = before
        is_better = value < (best - self.threshold if self.threshold_mode == "abs" else best * (1 - self.threshold))
        best = value if is_better else best
        num_bad = 0 if is_better or cooling else num_bad + 1
        if num_bad > self.patience:
            return _State(max(factor * self.gamma, self.least), best, 0, self.cooldown)
        return _State(factor, best, num_bad, max(0, cooling - 1))

    def twin(self, optimizer: torch.optim.Optimizer, num_steps: int) -> torch.optim.lr_scheduler.LRScheduler:
        return torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer,
            factor=self.gamma,
            patience=self.patience,
            threshold=self.threshold,
            threshold_mode=self.threshold_mode,  # type: ignore[arg-type]  # checked
            cooldown=self.cooldown,
            min_lr=self.least * optimizer.param_groups[0]["lr"],
            eps=0.0,  # torch's own limit on the smallest change is in units of the rate
        )
