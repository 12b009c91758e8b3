"""The distribution of the numbers behind each layer over the steps."""

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from matplotlib.figure import Figure

from ..check import at_least
from ..engines._outputs import outputs_by_layer
from ..plots.activation_histograms import activation_histograms
from ._base import Lacking, Picture, Subject, spread
from ._training import chosen_steps, moments, needs_one_training

SAMPLE = 256
"""Rows that are looked at; their numbers are many more."""


@final
@dataclass(frozen=True)
class ActivationHistograms(Picture):
    """The numbers behind each layer for some training rows, in `bins` of equal width, at about `count` steps."""

    description: ClassVar[str] = "how the numbers behind each layer are distributed, as training goes on"
    needs_run: ClassVar[bool] = True
    count: int = 60
    bins: int = 50

    def __post_init__(self) -> None:
        at_least("count", self.count, 1)
        at_least("bins", self.bins, 1)

    def lacks(self, subject: Subject) -> Lacking | None:
        return needs_one_training(subject)

    def draw(self, subject: Subject, *, title: str, dark: bool) -> Figure:
        steps = chosen_steps(subject, self.count)
        rows = spread(SAMPLE, subject.data.train)
        values: dict[str, list[np.ndarray]] = {}
        for _, engine in moments(subject, steps):
            x = rows.to(engine.device, engine.dtype).inputs(engine.dtype)
            for number, layer, a in outputs_by_layer(engine, x):
                values.setdefault(f"layer {number}: {type(layer).__name__}", []).append(a.flatten().cpu().numpy())
        layers = {name: _shares(seen, self.bins) for name, seen in values.items()}
        return activation_histograms(steps, layers, title or f"{subject.title}: activations", dark=dark)


def _shares(seen: list[np.ndarray], bins: int) -> tuple[np.ndarray, np.ndarray]:
    """The edges of the bins over all moments, and the share of the values in each, moment by moment."""
    edges = np.linspace(min(v.min() for v in seen), max(v.max() for v in seen) + 1e-9, bins + 1)
    return edges, np.array([np.histogram(v, edges)[0] / v.size for v in seen])
