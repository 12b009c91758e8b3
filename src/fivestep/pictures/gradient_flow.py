"""The gradient's size in each layer over the steps."""

from dataclasses import dataclass
from typing import ClassVar, final

from matplotlib.figure import Figure

from ..check import at_least
from ..plots.gradient_flow import gradient_flow
from ..replay import Moment
from ._base import Lacking, Picture, Subject
from ._training import chosen_steps, needs_one_training, of_parameters


@final
@dataclass(frozen=True)
class GradientFlow(Picture):
    """The root mean square of the gradient of each weight matrix at about `count` steps; with `biases`, of these."""

    description: ClassVar[str] = "the size of each layer's gradient as training goes on"
    needs_run: ClassVar[bool] = True
    count: int = 80
    biases: bool = False

    def __post_init__(self) -> None:
        at_least("count", self.count, 1)

    def lacks(self, subject: Subject) -> Lacking | None:
        return needs_one_training(subject)

    def draw(self, subject: Subject, *, title: str, dark: bool) -> Figure:
        steps = chosen_steps(subject, self.count)
        norms = of_parameters(subject, steps, _size, biases=self.biases)
        return gradient_flow(steps, norms, title or f"{subject.title}: gradients", dark=dark)


def _size(moment: Moment, where: slice) -> float:
    return float(moment.gradient[where].double().square().mean().sqrt())
