"""Whether the probabilities can be believed."""

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from matplotlib.figure import Figure

from ..check import at_least
from ..plots.calibration import calibration
from ._base import Lacking, Picture, Subject, needs_classes


@final
@dataclass(frozen=True)
class Calibration(Picture):
    """The answers on held-out rows in `bins` of equal width, from 1/C, below which no answer's probability can be.

    Of several questions `target` is the one to draw, by its name.
    """

    description: ClassVar[str] = "whether a probability of 0.8 is right four times out of five, on held-out rows"
    needs_run: ClassVar[bool] = True
    bins: int = 10
    target: str = ""

    def __post_init__(self) -> None:
        at_least("bins", self.bins, 1)

    def lacks(self, subject: Subject) -> Lacking | None:
        subject = subject.of_target(self.target)
        if subject.num_classes and subject.engine.criterion.inverse_link == "identity":
            return Lacking("a loss that gives probabilities", str(subject.engine.plan.loss))
        return needs_classes(subject, "calibration")

    def draw(self, subject: Subject, *, title: str, dark: bool) -> Figure:
        subject = subject.of_target(self.target)
        part, rows = subject.held_out()
        p, answers = (one.numpy() for one in subject.probabilities(rows.x).max(1))
        right = answers == subject.labels(rows).numpy()
        edges = np.linspace(1 / subject.num_classes, 1, self.bins + 1)
        bins = np.clip(np.digitize(p, edges) - 1, 0, self.bins - 1)
        counts = np.bincount(bins, minlength=self.bins)
        confidence, accuracy = (np.bincount(bins, v, self.bins) / counts.clip(1) for v in (p, right))
        words = title or f"{subject.title}: {part} rows"
        return calibration(edges, counts, confidence, accuracy, words, dark=dark)
