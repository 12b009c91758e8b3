"""The loss along random directions."""

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
import torch
from matplotlib.figure import Figure

from ..check import at_least, positive
from ..plots.landscape_1d import landscape_1d
from ..typing import Vector
from ._base import Lacking, Picture, Subject
from ._landscape import loss_around, needs_finite_loss, random_direction


@final
@dataclass(frozen=True)
class Landscape1D(Picture):
    """The loss on the lines through the weights along `directions` random directions, each as large as the weights.

    From -`reach` to `reach` times the direction, at `places` places. Where there are fewer directions, as for a
    single weight, each is drawn once.
    """

    description: ClassVar[str] = "the loss along random directions through the weights, filter-normalized"
    directions: int = 3
    reach: float = 1.0
    places: int = 61
    seed: int = 0

    def __post_init__(self) -> None:
        at_least("directions", self.directions, 1)
        at_least("places", self.places, 3)
        positive("reach", self.reach)

    def lacks(self, subject: Subject) -> Lacking | None:
        return needs_finite_loss(subject)

    def draw(self, subject: Subject, *, title: str, dark: bool) -> Figure:
        engine = subject.copied_engine()
        center, loss = engine.params.flat.clone(), loss_around(subject, engine, self.directions * self.places)
        alpha = np.linspace(-self.reach, self.reach, self.places | 1)  # an odd number, so that 0 is one of them
        drawn = [random_direction(engine, self.seed + k) for k in range(self.directions)]
        found = {
            f"random direction {k}": np.array([loss(center + float(a) * direction) for a in alpha])
            for k, direction in enumerate(_different(drawn), start=1)
        }
        words = title or f"{subject.title}: training loss"
        x = "distance, in sizes of the weights of each unit"
        return landscape_1d(alpha, found, words, x=x, loss_unit=subject.loss_unit, dark=dark)


def _different(directions: list[Vector]) -> list[Vector]:
    """The directions without those that are one before them, or its opposite."""
    kept: list[Vector] = []
    for direction in directions:
        if not any(torch.allclose(direction, sign * other) for other in kept for sign in (1, -1)):
            kept.append(direction)
    return kept
