"""The decision boundary, still and in motion."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, final

from matplotlib.figure import Figure

from ..check import at_least
from ..engines._engine import Engine
from ..plots.boundary import boundary
from ._base import Lacking, MovingPicture, Subject, as_pair, needs_classes
from ._features import feature_names
from ._surfaces import surface_of
from ._training import chosen_steps, moments


@final
@dataclass(frozen=True)
class Boundary(MovingPicture):
    """The probabilities over two `features`, on `grid` x `grid` places; all training rows on top.

    Of a table, in the units of its columns. Of more than two features, two are chosen, and the others have the values
    of training row `row` (counted from 0). In motion, about `frames_shown` steps of the training, closer together at
    its start.
    """

    description: ClassVar[str] = "what a classifier answers at every place of two features"
    needs_run: ClassVar[bool] = True
    features: tuple[int, int] | None = None
    row: int | None = None
    grid: int = 200
    frames_shown: int = 40

    def __post_init__(self) -> None:
        at_least("grid", self.grid, 2)
        at_least("frames_shown", self.frames_shown, 2)

    def lacks(self, subject: Subject) -> Lacking | None:
        there = subject.data.in_features
        if there == 1 or (there > 2 and (self.features is None or self.row is None)):
            expected = (
                "two features" if there == 1 else "two features, or two of many as in boundary:features=(0,1),row=0"
            )
            return Lacking(expected, f"{there} feature{'s' if there > 1 else ''}")
        return needs_classes(subject)

    def draw(self, subject: Subject, *, title: str, dark: bool) -> Figure:
        return self._figure(subject, subject.engine, title or subject.title, dark)

    def frames(self, subject: Subject, *, title: str, dark: bool) -> Iterator[Figure]:
        for moment, engine in moments(subject, chosen_steps(subject, self.frames_shown, power=2.0)):
            words = f"{title or subject.title}, step {moment.step:,}, loss {moment.loss:.3f}"
            yield self._figure(subject, engine, words, dark)

    def _figure(self, subject: Subject, engine: Engine, title: str, dark: bool) -> Figure:
        features = as_pair(self.features or (0, 1))
        held = "" if self.row is None else f"all other features as in row {self.row}"
        surface = surface_of(subject, engine, features, self.row or 0, self.grid)
        return boundary(surface, subject.class_names, feature_names(features, subject), title, held=held, dark=dark)
