"""The results of a batch: columns for all its networks, from which the objects of one network are made on access."""

from collections.abc import Sequence
from typing import Any, NamedTuple, final

import numpy as np

from ...epoch import Epoch, monitored
from ...plan import TrainPlan
from ..member import TO_PREDICT, Trained
from .measuring import Measurements


@final
class Measured(NamedTuple):
    """An epoch of all networks of a batch: its number, the steps done, the learning rates and the evaluations."""

    number: int
    step: int
    rates: Sequence[float]
    running: Sequence[float]
    train: Measurements
    valid: Measurements
    seconds: float
    rows_per_second: float

    def epoch(self, k: int) -> Epoch:
        """The epoch of network k."""
        train = self.train.of(k)
        assert train is not None, "all networks have rows to train on"
        return Epoch.of(
            train,
            self.valid.of(k),
            index=self.number,
            step=self.step,
            lr=self.rates[k],
            running_loss=self.running[k],
            seconds=self.seconds,
            rows_per_second=self.rows_per_second,
        )

    def monitored(self, k: int, plan: TrainPlan) -> float:
        """The figure that network k's stopping and schedule watch."""
        return monitored(self.epoch(k), plan)


@final
class Records(NamedTuple):
    """The state of some networks of a batch at one moment: record r is that of network `places[r]`."""

    arrays: dict[str, np.ndarray]
    kept: dict[str, np.ndarray]
    common: dict[str, Any]
    rates: Sequence[float]
    begun: Sequence[Sequence[Epoch]]
    shown: Sequence[Measured]
    places: Sequence[int]
    has_best: Sequence[bool]
    ends_with_best: Sequence[bool]

    def of(self, r: int) -> Trained:
        """The record of one network, with the weights to keep if the best epoch counts."""
        has_best = self.has_best[r]
        own = {name: of[r, ...] for name, of in self.arrays.items() if has_best or not name.startswith("best.")}
        if self.ends_with_best[r]:
            own |= {name: of[r, ...] for name, of in self.kept.items()}  # including running statistics
            own.pop(TO_PREDICT, None)
        history = [*self.begun[r], *(measured.epoch(self.places[r]) for measured in self.shown)]
        position = {**self.common, "lr": self.rates[r], "epochs": history[-1].index if history else 0}
        return Trained(own, position, history, None)
