"""A rate that falls when the loss has fallen too little for a while."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, final

import torch

from ..check import inside_unit_interval, not_negative
from ._base import Schedule
from ._fold import Fold


class _State(NamedTuple):
    num_falls: int = 0
    best: float = math.inf
    num_bad: int = 0


@final
@dataclass(frozen=True)
class Adaptive(Schedule):
    """The rate is multiplied by `gamma` when more than `patience` evaluations in a row did not gain `tol`.

    One has gained where its figure is at most best - tol; best is the least figure so far, whether it gained or not,
    so many small gains do not add up to one. `gamma` in (0, 1), `patience` at least 0 (infinity for never), `tol` at
    least 0, in the units of what is monitored. The rule of scikit-learn's `learning_rate="adaptive"`.
    """

    answers = True
    gamma: float = 0.2
    patience: float = 10
    tol: float = 1e-4
    _fold: Fold[_State] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        inside_unit_interval("gamma", self.gamma, "0.2 divides the rate by five")
        if self.patience != math.inf:
            not_negative("patience", self.patience, "it counts evaluations")
        not_negative("tol", self.tol, "1e-4 is usual")
        object.__setattr__(self, "_fold", Fold(_State(), self._after))

    def factor(self, step: int, num_steps: int, seen: Sequence[float] = ()) -> float:
        return self.gamma ** self._fold.over(seen).num_falls

    def _after(self, before: _State, value: float) -> _State:
        num_falls, best, num_bad = before
        num_bad = num_bad + 1 if value > best - self.tol else 0
        if num_bad > self.patience:
            num_falls, num_bad = num_falls + 1, 0
        return _State(num_falls, min(best, value), num_bad)

    def twin(self, optimizer: torch.optim.Optimizer, num_steps: int) -> torch.optim.lr_scheduler.LRScheduler:
        return _TorchAdaptive(optimizer, self.gamma, int(min(self.patience, 2**31)), self.tol)


@final
class _TorchAdaptive(torch.optim.lr_scheduler.ReduceLROnPlateau):
    """torch's, whose best is the last figure that gained; here it is the least, which is put in after each look."""

    def __init__(self, optimizer: torch.optim.Optimizer, gamma: float, patience: int, tol: float) -> None:
        super().__init__(optimizer, factor=gamma, patience=patience, threshold=tol, threshold_mode="abs", eps=0.0)

    def is_better(self, a: float, best: float) -> bool:  # torch asks for a figure below best - tol, not at it
        return bool(a <= best - self.threshold)

    def step(self, metrics: Any, epoch: Any = None) -> None:  # type: ignore[override]  # as torch overrides it
        super().step(metrics, epoch)
        self.best = min(self.best, metrics)
