"""The learnt line through the rows."""

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
import torch
from matplotlib.figure import Figure

from ..plots.fitted_line import fitted_line
from ._base import Lacking, Picture, Subject, spread

MOST = 1500


@final
@dataclass(frozen=True)
class FittedLine(Picture):
    """The training rows of one feature and one target, the network's answer, and the known lines if there are any."""

    description: ClassVar[str] = "points of one feature, and the line or curve that was learnt"

    def lacks(self, subject: Subject) -> Lacking | None:
        if subject.data.in_features != 1:
            return Lacking("one feature", f"{subject.data.in_features} features")
        if subject.engine.criterion.target != "numbers" or subject.engine.spec.out_features != 1:
            return Lacking("one number as the target", "other targets")
        return None

    def draw(self, subject: Subject, *, title: str, dark: bool) -> Figure:
        rows = spread(MOST, subject.data.train)
        x, y = (values.reshape(-1).cpu().numpy() for values in (rows.x, rows.y))
        edge = 0.08 * float(np.ptp(x))
        at = np.linspace(x.min() - edge, x.max() + edge, 200)
        engine = subject.engine
        with torch.no_grad():
            z = engine.predict(torch.from_numpy(at).to(engine.device, engine.dtype)[:, None])
        learnt = engine.criterion.predicted(z)[:, 0].cpu().numpy()
        lines = {"learnt" if subject.is_trained else "at the start": (at, learnt)}
        for name, weights in subject.data.known_weights.items():
            lines[name] = (at, at * float(weights["0.weight"]) + float(weights["0.bias"]))
        return fitted_line(x, y, lines, title or subject.title, dark=dark)
