"""What was predicted, and what was true."""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from matplotlib.figure import Figure
from torch import Tensor

from ..datasets._base import Rows
from ..plots.predictions import predictions
from ._base import Lacking, Picture, Subject, spread
from ._features import target_in_own_units, target_name

MOST = 5000


@final
@dataclass(frozen=True)
class Predictions(Picture):
    """Held-out rows by their true and their predicted number, in the units of the target; of several the middle."""

    description: ClassVar[str] = "numbers that were predicted against the true ones, on held-out rows"
    needs_run: ClassVar[bool] = True

    def lacks(self, subject: Subject) -> Lacking | None:
        criterion = subject.engine.criterion
        if criterion.target != "numbers":
            return Lacking("targets that are numbers", "classes" if subject.num_classes else "yes or no")
        several = (subject.engine.spec.out_features or 0) // criterion.outputs_per_target
        return Lacking("one number to predict", f"{several} numbers") if several != 1 else None

    def draw(self, subject: Subject, *, title: str, dark: bool) -> Figure:
        part, held_out = subject.held_out()
        rows = spread(MOST, held_out)
        encoder = subject.data.encoder
        true, predicted = (
            target_in_own_units(y.double(), encoder).numpy() for y in (rows.y, _predicted(subject, rows))
        )
        name = target_name(encoder) or "target"
        return predictions(true, predicted, name, title or f"{subject.title}: {part} rows", dark=dark)


@torch.no_grad()
def _predicted(subject: Subject, rows: Rows) -> Tensor:
    """The number (N,) that the network gives to each row, as it was trained on."""
    engine = subject.engine
    numbers = engine.criterion.predicted(engine.predict(rows.x.to(engine.device, engine.dtype)).flatten(1))
    return engine.criterion.middle(numbers)[:, 0].double().cpu()
