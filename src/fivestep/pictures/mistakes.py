"""The most confident mistakes."""

from dataclasses import dataclass
from typing import ClassVar, final

from matplotlib.figure import Figure

from ..check import InputError, at_least
from ..plots.mistakes import mistakes
from ._base import Lacking, Picture, Subject, image_side
from ._images import needs_images


@final
@dataclass(frozen=True)
class Mistakes(Picture):
    """The `count` held-out images with the largest probability for a wrong class, the surest first."""

    description: ClassVar[str] = "the images of which the network was most sure, and wrong"
    needs_run: ClassVar[bool] = True
    count: int = 18

    def __post_init__(self) -> None:
        at_least("count", self.count, 1)

    def lacks(self, subject: Subject) -> Lacking | None:
        return needs_images(subject)

    def draw(self, subject: Subject, *, title: str, dark: bool) -> Figure:
        part, rows = subject.held_out()
        p, y = subject.probabilities(rows.x), subject.labels(rows)
        surest, answers = p.max(1)
        wrong = (answers != y).nonzero()[:, 0]
        if len(wrong) == 0:
            raise InputError(
                f"mistakes must be drawn of a network that makes some, got none on the {part} rows; draw "
                f"something else."
            )
        wrong = wrong[surest[wrong].argsort(descending=True)][: self.count]
        side, names = image_side(subject.data) or 0, subject.class_names
        return mistakes(
            rows.take(wrong).x.reshape(-1, side, side).cpu().numpy(),
            [(names[k], p) for k, p in zip(answers[wrong].tolist(), surest[wrong].tolist(), strict=True)],
            [names[k] for k in y[wrong].tolist()],
            title or f"{subject.title}: most confident mistakes, {part} rows",
            dark=dark,
        )
