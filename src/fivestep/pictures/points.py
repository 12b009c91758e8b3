"""The rows along two of their features."""

from dataclasses import dataclass
from typing import ClassVar, final

from matplotlib.figure import Figure
from torch import Tensor

from ..datasets._base import Rows
from ..plots.points import points
from ._base import Lacking, Picture, Subject, as_pair, image_side, spread
from ._features import check_features, feature_names, in_own_units, target_in_own_units, target_name, telling_features

MOST = 1500


@final
@dataclass(frozen=True)
class Points(Picture):
    """The training rows along two `features`, counted from 0, colored by class or by target, all in their own units.

    By default of a table the two numbers that go most with the target, of other data the first two features. A row
    that lacks one of the two is left out. Of several targets `target` is the one to draw, by its name, or the first.
    """

    description: ClassVar[str] = "the training rows along two features, colored by class or target"
    features: tuple[int, int] | None = None
    target: str = ""

    def lacks(self, subject: Subject) -> Lacking | None:
        subject.of_target(self.target)  # refuses another name
        if subject.data.in_features == 1:
            return Lacking("two features or more", "one feature")
        if image_side(subject.data) is not None:
            return Lacking("features that are not pixels", "images")
        return None

    def draw(self, subject: Subject, *, title: str, dark: bool) -> Figure:
        rows, encoder = spread(MOST, subject.data.train), subject.data.encoder
        subject = subject.of_target(self.target or target_name(encoder))
        labels = subject.labels(rows) if subject.num_classes else None
        features = (
            telling_features(rows, labels, encoder, subject.place or 0) if self.features is None else self.features
        )
        check_features(features, subject)
        shown = in_own_units(rows.x, encoder)[:, list(features)]
        y, name = _numbers(subject, rows) if labels is None else (labels.cpu(), "")
        there = shown.isfinite().all(1)
        return points(
            shown[there].numpy(),
            y[there].numpy(),
            [] if labels is None else subject.class_names,
            feature_names(as_pair(features), subject),
            title or f"{subject.about}: {_count(there)}",
            target_name=name,
            dark=dark,
        )


def _count(there: Tensor) -> str:
    """How many rows (N,) are drawn."""
    drawn = int(there.sum())
    if drawn == len(there):
        return f"{drawn:,} training rows"
    return f"the {drawn:,} of {len(there):,} training rows that have both"


def _numbers(subject: Subject, rows: Rows) -> tuple[Tensor, str]:
    """The number to predict of each row, (N,), in the units of the target, and its name."""
    encoder, place = subject.data.encoder, subject.place or 0
    return target_in_own_units(rows.y, encoder, place), target_name(encoder, place) or "target"
