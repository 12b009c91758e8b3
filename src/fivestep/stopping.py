"""Early stopping and the return to the best epoch, as ordinary code around the loop."""

import math
from collections.abc import Sequence
from typing import final

from torch import Tensor

from .engines._engine import Engine
from .epoch import Epoch, monitored
from .plan import TrainPlan
from .typing import Tensors


@final
class Best:
    """The best epoch so far by what the plan monitors, on the validation part if there is one.

    best = Best(plan)
    for epoch in train(engine, data, plan):
        best.note(epoch, engine)
        if best.is_long_ago():
            break
    best.restore(engine)
    """

    def __init__(self, plan: TrainPlan) -> None:
        self._plan = plan
        self._least = math.inf
        self._epochs_since = 0
        self._weights: dict[str, Tensor] = {}

    @property
    def weights(self) -> Tensors:
        """The weights of the best epoch by name, if `plan.restore_best` asked for them to be kept; else empty."""
        return self._weights

    def note(self, epoch: Epoch, engine: Engine) -> None:
        """Remembers the epoch if it is the best; with `plan.restore_best`, its weights too."""
        if self.improves(monitored(epoch, self._plan)) and self._plan.restore_best:
            self._weights = {}  # first, or there would be two copies for a moment
            self._weights = {name: value.detach().clone() for name, value in engine.params.named_with_buffers().items()}

    def is_long_ago(self) -> bool:
        """Whether `plan.patience` epochs have been noted since the best one; False without a patience."""
        return self._plan.patience is not None and self._epochs_since >= self._plan.patience

    def restore(self, engine: Engine) -> None:
        """Puts back the weights of the best epoch, if `plan.restore_best` asked for them to be kept."""
        if self._weights:
            engine.load_weights(self._weights)

    def recall(self, seen: Sequence[float], weights: Tensors) -> None:
        """Restores the state after epochs with those figures, of which the best had those `weights`."""
        self._least, self._epochs_since = math.inf, 0
        for value in seen:
            self.improves(value)
        self._weights = dict(weights)

    def improves(self, value: float) -> bool:
        """Counts an epoch with that figure, and returns whether it is better than all before."""
        self._epochs_since += 1
        if not value < self._least:  # also catches NaN
            return False
        self._least, self._epochs_since = value, 0
        return True


def best_epoch(history: Sequence[Epoch], plan: TrainPlan) -> int | None:
    """The index of the best of the epochs, the first of equal ones; None if no figure is finite."""
    best = Best(plan)
    return max((epoch.index for epoch in history if best.improves(monitored(epoch, plan))), default=None)


def epoch_put_back(history: Sequence[Epoch], plan: TrainPlan) -> Epoch | None:
    """The earlier epoch whose weights were restored at the end of a training; None if it kept those of the last step.

    A training that was interrupted restores none.
    """
    best = Best(plan)
    found = [epoch for epoch in history if best.improves(monitored(epoch, plan))]
    is_over = bool(history) and (history[-1].index >= plan.epochs or best.is_long_ago())
    return found[-1] if plan.restore_best and is_over and found and found[-1] != history[-1] else None
