"""The loss over a plane through the weights, with the trajectory."""

from dataclasses import dataclass
from typing import ClassVar, Literal, final

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from ..check import at_least, one_of, positive
from ..engines._base import FiveStepEngine
from ..plots._terrain import Terrain
from ..plots.landscape_2d import landscape_2d
from ._base import Lacking, Picture, Subject
from ._landscape import loss_around, main_directions, needs_finite_loss, projected, random_direction
from ._training import chosen_steps, moments, needs_one_training

PATH_POINTS = 60
MARGIN = 0.35
"""Of the trajectory's extent, around it."""


@final
@dataclass(frozen=True)
class Landscape2D(Picture):
    """The loss over the plane of two directions, at `places` x `places` places, and the training's way projected on it.

    The directions "path" are those along which the training moved most; the training is repeated to find them. Those
    that are "random" are filter-normalized, and reach `reach` times the weights in each direction.
    """

    description: ClassVar[str] = "the loss over a plane through the weights, with the way that training took"
    directions: Literal["path", "random"] = "path"
    reach: float = 1.0
    places: int = 41
    seed: int = 0

    def __post_init__(self) -> None:
        one_of("directions", self.directions, ("path", "random"))
        at_least("places", self.places, 3)
        positive("reach", self.reach)

    def lacks(self, subject: Subject) -> Lacking | None:
        if self.directions == "path" and subject.num_updates < 2:
            return Lacking("a run of two steps or more, or with directions=random", f"{subject.num_updates} steps")
        several = needs_one_training(subject) if subject.is_trained else None
        return several or needs_finite_loss(subject)

    def draw(self, subject: Subject, *, title: str, dark: bool) -> Figure:
        engine = subject.copied_engine()
        center = engine.params.flat.clone()
        weights = _trajectory(subject) if subject.is_trained else center[None]
        if self.directions == "path":
            center = weights[-1].clone()
            directions, names = (
                main_directions(weights),
                ("first direction of the path", "second direction of the path"),
            )
            path = projected(weights, center, directions).numpy()
            x, y = (_around(path[:, k], self.places) for k in range(2))
        else:
            directions = torch.stack([random_direction(engine, self.seed + k) for k in range(2)])
            path = projected(weights, center, directions).numpy() if subject.is_trained else np.empty((0, 2))
            x = y = np.linspace(-self.reach, self.reach, self.places)
            names = ("first random direction", "second random direction")
        terrain = _terrain(subject, engine, center, directions, (x, y))
        words = title or f"{subject.title}: training loss"
        return landscape_2d(terrain, path, names, words, loss_unit=subject.loss_unit, dark=dark)


def _trajectory(subject: Subject) -> Tensor:
    """The weights at some steps, and at the end, (T, P)."""
    flat = [torch.empty(0)]
    found = []
    for moment, engine in moments(subject, chosen_steps(subject, PATH_POINTS, power=2.0)):
        found.append(moment.weights)
        flat = [engine.params.flat.clone()]
    return torch.stack([*found, *flat])


def _around(values: np.ndarray, places: int) -> np.ndarray:
    """Places from one end of the path to the other, and a margin beyond both."""
    low, high = min(values.min(), 0.0), max(values.max(), 0.0)
    margin = MARGIN * (high - low) or 1.0
    return np.linspace(low - margin, high + margin, places)


def _terrain(
    subject: Subject, engine: FiveStepEngine, center: Tensor, directions: Tensor, axes: tuple[np.ndarray, np.ndarray]
) -> Terrain:
    x, y = axes
    first, second = directions.to(center.dtype).to(center.device)
    loss = loss_around(subject, engine, len(x) * len(y))
    heights = [[loss(center + float(a) * first + float(b) * second) for a in x] for b in y]
    return Terrain(x, y, np.array(heights))
