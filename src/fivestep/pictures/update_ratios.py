"""The updates' size against the weights' in each layer over the steps."""

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from matplotlib.figure import Figure

from ..check import at_least
from ..plots.update_ratios import update_ratios
from ._base import Lacking, Picture, Subject
from ._training import chosen_steps, moments, slices


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
        return None

    def draw(self, subject: Subject, *, title: str, dark: bool) -> Figure:
        steps = chosen_steps(subject, self.count)
        found: dict[str, list[float]] = {}
        for moment, engine in moments(subject, steps):
            for name, where in slices(engine).items():
                if engine.named_parameters()[name].dim() > 1:
                    size = float(moment.weights[where].norm())
                    found.setdefault(name, []).append(float(moment.change[where].norm()) / size if size else 0.0)
        ratios = {name: np.array(values) for name, values in found.items()}
        return update_ratios(steps, ratios, title or f"{subject.title}: updates", dark=dark)
