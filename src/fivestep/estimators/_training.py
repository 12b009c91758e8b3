"""A wrapper of `fivestep.train`: learning curves, early stopping, the best epoch."""

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, final

from sklearn.exceptions import ConvergenceWarning
from torch import Tensor

from ..check import warn
from ..datasets._base import Dataset
from ..engines._engine import Engine
from ..epoch import Epoch
from ..find import Choice
from ..plan import TrainPlan
from ..progress import Progress
from ..recipes._base import Preparation
from ..train import train
from ._callbacks import Callbacks, copied
from ._network import Network

LEAST_RATE = 1e-6
"""An "adaptive" rate at or below it ends the training instead of falling again, as in scikit-learn."""

Score = Callable[[Epoch], float]
"""The score of the network after an epoch, on the held-out part."""


@final
@dataclass
class Course:
    """The curves of a run so far. What decides is the score of the part set aside, its loss, or the training loss.

    An epoch has gained where its figure is at most best - tol, or below best where there is no tolerance; best is the
    least figure so far. More than `patience` epochs in a row without a gain are enough.
    """

    prepared: Preparation
    losses: list[float] = field(default_factory=list)
    valid_losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    figures: list[float] = field(default_factory=list)
    best: float = math.inf
    num_without_gain: int = 0
    weights: dict[str, Tensor] = field(default_factory=dict)

    def on(self, prepared: Preparation) -> "Course":
        """The same curves, to go on with another preparation."""
        return replace(self, prepared=prepared)

    def note(self, loss: float, valid_loss: float | None, score: float | None) -> bool:
        """Adds an epoch to the curves; returns whether it is the best so far."""
        self.losses.append(loss)
        if valid_loss is None or score is None:
            return self._weigh(loss)
        self.valid_losses.append(valid_loss)
        self.scores.append(score)
        return self._weigh(valid_loss if self.prepared.tol is None else -score)

    def has_enough(self) -> bool:
        """Whether it is time to stop, or to lower the rate. Never, without a tolerance and a part set aside."""
        return (self.prepared.tol is not None or bool(self.scores)) and self.num_without_gain > self.prepared.patience

    def keep(self, engine: Engine) -> None:
        """Keeps a copy of the weights."""
        self.weights = {name: w.detach().clone() for name, w in engine.params.named_with_buffers().items()}

    def _weigh(self, figure: float) -> bool:
        self.figures.append(figure)
        tol = self.prepared.tol
        has_gained = figure < self.best if tol is None else not figure > self.best - tol
        self.num_without_gain = 0 if has_gained else self.num_without_gain + 1
        is_best = figure < self.best
        self.best = min(self.best, figure)
        return is_best


def run(engine: Engine, data: Dataset, plan: TrainPlan, course: Course, report: "Report") -> str:
    """Trains to the end, or until the course has enough; returns what ended it. The best epoch's weights stay.

    Ctrl-C ends it with a warning, and with the weights of that moment or of the best epoch.
    """
    stopped_by = "max_iter"
    course.num_without_gain, course.figures = 0, []
    progress = Progress(engine, plan)
    progress.measures_training = False  # saves a quarter of the time; no attribute shows it
    report.callbacks.epoch_begins()
    try:
        for epoch in train(engine, data, plan, progress=progress):
            valid_loss = None if epoch.valid_loss is None else report.scaled(epoch.valid_loss)
            score = None if report.score is None else report.score(epoch)
            is_best = course.note(report.scaled(epoch.running_loss), valid_loss, score)
            progress.seen[-1] = course.figures[-1]  # for schedules that react to it
            if is_best and data.valid is not None:
                course.keep(engine)
            report.show(epoch.index, course)
            if report.callbacks.epoch_ended(lambda: _so_far(engine, course)):
                stopped_by = "callback"
                break
            if course.has_enough():
                reason = _reason(plan, course, epoch.lr)
                if reason:
                    stopped_by = reason
                    break
                course.num_without_gain = 0  # the rate falls instead
            if epoch.index < plan.epochs:
                report.callbacks.epoch_begins()
    except KeyboardInterrupt:
        warn("training was interrupted: the estimator keeps what it has learned so far.")
        stopped_by = "user"
    if course.weights:
        engine.load_weights(course.weights)
    course.weights = {}
    if stopped_by == "max_iter" and course.prepared.tol is not None:
        warn(
            f"training must end by its tolerance to have converged, got no end within max_iter={plan.epochs} epochs; "
            f"raise max_iter, or tol.",
            ConvergenceWarning,
        )
    return stopped_by


def _so_far(engine: Engine, course: Course) -> dict[str, Any]:
    """The attributes of an estimator that ended here."""
    return {
        "_network": copied(Network(engine)),
        "n_iter_": len(course.figures),
        "loss_": course.losses[-1],
        "loss_curve_": list(course.losses),
        "validation_loss_curve_": list(course.valid_losses) or None,
        "validation_scores_": list(course.scores) or None,
    }


def _reason(plan: TrainPlan, course: Course, lr: float) -> str:
    """What ends the training now, or "" where an adaptive rate falls instead."""
    if Choice.parse(plan.schedule).name == "adaptive":
        return "learning_rate" if lr <= LEAST_RATE else ""
    return "validation" if course.scores else "tol"


@final
@dataclass(frozen=True)
class Report:
    """How losses are reported, `factor` times ours plus `offset`, how often a line is printed (0 is never), to whom."""

    callbacks: Callbacks
    score: Score | None
    factor: float = 1.0
    offset: float = 0.0
    every: int = 0

    def scaled(self, loss: float) -> float:
        """The loss as it is reported."""
        return self.factor * loss + self.offset

    def show(self, number: int, course: Course) -> None:
        """Prints the last epoch, if it is one of those to print."""
        if not self.every or number % self.every:
            return
        shown: dict[str, Any] = {"loss": course.losses[-1]}
        if course.scores:
            shown |= {"valid loss": course.valid_losses[-1], "valid score": course.scores[-1]}
        line = "  ".join([f"epoch {number}", *(f"{name} {value:.4f}" for name, value in shown.items())])
        sys.stdout.write(f"{line}\n")
