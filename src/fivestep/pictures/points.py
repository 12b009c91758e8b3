"""The rows along two of their features."""

from dataclasses import dataclass
from typing import ClassVar, final

from matplotlib.figure import Figure

from ..plots.points import points
from ._base import Lacking, Picture, Subject, as_pair, image_side, spread
from ._features import check_features, feature_names

MOST = 1500


@final
@dataclass(frozen=True)
class Points(Picture):
    """The training rows along two `features`, counted from 0, coloured by class or by target."""

    description: ClassVar[str] = "the training rows along two features, coloured by class or target"
    features: tuple[int, int] = (0, 1)

    def lacks(self, subject: Subject) -> Lacking | None:
        if subject.data.in_features == 1:
            return Lacking("two features or more", "one feature")
        if image_side(subject.data) is not None:
            return Lacking("features that are not pixels", "images")
        return None

    def draw(self, subject: Subject, *, title: str, dark: bool) -> Figure:
        check_features(self.features, subject)
        rows = spread(MOST, subject.data.train)
        x = rows.x.flatten(1)[:, list(self.features)].cpu().numpy()
        classes = bool(subject.num_classes)
        y = (subject.labels(rows) if classes else rows.y.reshape(len(rows), -1)[:, 0]).cpu().numpy()
        names = subject.class_names if classes else []
        shown = as_pair(self.features)
        return points(
            x,
            y,
            names,
            feature_names(shown, subject),
            title or f"{subject.data.name}: {len(rows):,} training rows",
            dark=dark,
        )
