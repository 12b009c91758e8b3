"""The learned line through the rows."""

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from ..losses._base import Loss
from ..plots.fitted_line import fitted_line
from ..table.encoder import Encoder
from ._base import Lacking, Picture, Subject, spread
from ._features import as_inputs, in_own_units, is_code, target_in_own_units, target_name

MOST = 1500


@final
@dataclass(frozen=True)
class FittedLine(Picture):
    """The training rows of one feature and one target, the network's answer, and the known lines if there are any.

    Of a table, in the units of its columns. A network that gives several numbers for a target has its band around the
    line: two standard deviations to both sides, or from the first of its quantiles to the last.
    """

    description: ClassVar[str] = "points of one feature, and the line or curve that was learned"

    def lacks(self, subject: Subject) -> Lacking | None:
        if subject.data.in_features != 1:
            return Lacking("one feature", f"{subject.data.in_features} features")
        if is_code(0, subject.data.encoder):
            return Lacking("one number as the feature", "a category")
        criterion = subject.engine.criterion
        if criterion.target != "numbers" or subject.engine.spec.out_features != criterion.outputs_per_target:
            return Lacking("one number as the target", "other targets")
        return None

    def draw(self, subject: Subject, *, title: str, dark: bool) -> Figure:
        rows = spread(MOST, subject.data.train)
        engine, encoder = subject.engine, subject.data.encoder
        x, y = in_own_units(rows.x, encoder)[:, 0].numpy(), target_in_own_units(rows.y, encoder).numpy()
        seen = x[np.isfinite(x)]
        edge = 0.08 * float(np.ptp(seen))
        at = np.linspace(seen.min() - edge, seen.max() + edge, 200)
        with torch.no_grad():
            z = engine.predict(as_inputs(at, 0, encoder).to(engine.device, engine.dtype)[:, None])
        predicted = engine.criterion.predicted(z)
        learned = target_in_own_units(engine.criterion.middle(predicted), encoder).numpy()
        lines = {"learned" if subject.is_trained else "at the start": (at, learned)}
        for name, weights in subject.data.known_weights.items():
            lines[name] = (at, at * float(weights["0.weight"]) + float(weights["0.bias"]))
        names = ("x", "y") if encoder is None else (encoder.features[0], target_name(encoder))
        band = _band(engine.criterion, predicted, encoder)
        return fitted_line(x, y, lines, names, title or subject.title, band=band, dark=dark)


def _band(criterion: Loss, predicted: Tensor, encoder: Encoder | None) -> tuple[str, np.ndarray, np.ndarray] | None:
    """From the lowest to the highest of what is predicted (N, O) of one target, in its own units."""
    if criterion.outputs_per_target == 1:
        return None
    low, high, name = predicted[:, 0], predicted[:, -1], f"{criterion.output_names[0]} to {criterion.output_names[-1]}"
    if any(criterion.spreads):
        mean, std = predicted.T
        low, high, name = mean - 2 * std, mean + 2 * std, "two standard deviations"
    return name, target_in_own_units(low, encoder).numpy(), target_in_own_units(high, encoder).numpy()
