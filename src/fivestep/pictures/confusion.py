"""The confusion matrix."""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from matplotlib.figure import Figure

from ..plots.confusion import confusion
from ._base import Lacking, Picture, Subject, needs_classes


@final
@dataclass(frozen=True)
class Confusion(Picture):
    """How many held-out rows of each class got which answer.

    Of several questions `target` is the one to draw, by its name.
    """

    description: ClassVar[str] = "which classes are taken for which, on held-out rows"
    needs_run: ClassVar[bool] = True
    target: str = ""

    def lacks(self, subject: Subject) -> Lacking | None:
        return needs_classes(subject.of_target(self.target), "confusion")

    def draw(self, subject: Subject, *, title: str, dark: bool) -> Figure:
        subject = subject.of_target(self.target)
        part, rows = subject.held_out()
        answers, num = subject.probabilities(rows.x).argmax(1), subject.num_classes
        counts = torch.bincount(subject.labels(rows) * num + answers, minlength=num * num).reshape(num, num)
        words = title or f"{subject.title}: {part} rows"
        return confusion(counts.numpy(), subject.class_names, words, dark=dark)
