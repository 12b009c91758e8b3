"""The updates' size against the weights' in each layer over the steps."""

from dataclasses import dataclass
from typing import ClassVar, final

from matplotlib.figure import Figure

from ..check import at_least
from ..plots.update_ratios import update_ratios
from ..replay import Moment
from ._base import Lacking, Picture, Subject
from ._training import chosen_steps, needs_one_training, of_parameters


@final
@dataclass(frozen=True)
class UpdateRatios(Picture):
    """|update| / |weights| of each weight matrix at about `count` steps."""

    description: ClassVar[str] = "how far each update moves each layer's weights, against their size"
    needs_run: ClassVar[bool] = True
    count: int = 80

    def __post_init__(self) -> None:
        at_least("count", self.count, 1)

    def lacks(self, subject: Subject) -> Lacking | None:
        return needs_one_training(subject)

    def draw(self, subject: Subject, *, title: str, dark: bool) -> Figure:
        steps = chosen_steps(subject, self.count)
        ratios = of_parameters(subject, steps, _ratio)
        return update_ratios(steps, ratios, title or f"{subject.title}: updates", dark=dark)


def _ratio(moment: Moment, where: slice) -> float:
    size = float(moment.weights[where].norm())
    return float(moment.change[where].norm()) / size if size else 0.0
