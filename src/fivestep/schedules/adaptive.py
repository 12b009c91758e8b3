"""A rate that falls when the loss has fallen too little for a while."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import torch

from ..check import inside_unit_interval, not_negative
from ._base import Schedule


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

    def __post_init__(self) -> None:
        inside_unit_interval("gamma", self.gamma, "0.2 divides the rate by five")
        if self.patience != math.inf:
            not_negative("patience", self.patience, "it counts evaluations")
        not_negative("tol", self.tol, "1e-4 is usual")

    def factor(self, step: int, num_steps: int, seen: Sequence[float] = ()) -> float:
        return self.gamma ** len(self.falls(seen))

    def falls(self, seen: Sequence[float]) -> list[int]:
        """After how many of the figures the rate fell, each time."""
        falls, best, num_bad = [], math.inf, 0
        for number, value in enumerate(seen, start=1):
            num_bad = num_bad + 1 if value > best - self.tol else 0
            best = min(best, value)
            if num_bad > self.patience:
                falls.append(number)
                num_bad = 0
        return falls

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
