"""Loss, accuracy and metrics over the epochs."""

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from matplotlib.figure import Figure

from ..plots.curves import curves
from ..saved.history import columns
from ..stopping import best_epoch
from ._base import Lacking, Picture, Subject, needs_history
from ._training import moments


@final
@dataclass(frozen=True)
class Curves(Picture):
    """The history of the run; with `gradient=true` also the gradient's norm, for which the training is repeated."""

    description: ClassVar[str] = "loss, accuracy, metrics and learning rate over the epochs"
    needs_run: ClassVar[bool] = True
    gradient: bool = False

    def lacks(self, subject: Subject) -> Lacking | None:
        return needs_history(subject) if subject.is_trained else None  # a run is what it needs first

    def draw(self, subject: Subject, *, title: str, dark: bool) -> Figure:
        history = columns(subject.history)
        if self.gradient:
            steps = [epoch.step for epoch in subject.history]
            history["gradient_norm"] = [float(np.linalg.norm(m.gradient)) for m, _ in moments(subject, steps)]
        plan = subject.engine.plan
        best = best_epoch(subject.history, plan)
        return curves(
            history, title or subject.title, loss_unit=subject.loss_unit, monitor=plan.monitor, best=best, dark=dark
        )
