"""What was predicted, and what was true."""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from matplotlib.figure import Figure
from torch import Tensor

from ..datasets._base import Rows
from ..plots.predictions import predictions
from ._base import Lacking, Picture, Subject, one_of_several, spread
from ._features import target_in_own_units, target_name

MOST = 5000


@final
@dataclass(frozen=True)
class Predictions(Picture):
    """Held-out rows by their true and their predicted number, in the units of the target; of several the middle.

    Of several targets `target` is the one to draw, by its name.
    """

    description: ClassVar[str] = "numbers that were predicted against the true ones, on held-out rows"
    needs_run: ClassVar[bool] = True
    target: str = ""

    def lacks(self, subject: Subject) -> Lacking | None:
        subject, criterion = subject.of_target(self.target), subject.engine.criterion
        if criterion.target != "numbers":
            return Lacking("targets that are numbers", "classes" if subject.num_classes else "yes or no")
        several = (subject.engine.spec.out_features or 0) // criterion.outputs_per_target
        if several == 1 or self.target:
            return None
        return Lacking(f"one number to predict{one_of_several(subject, 'predictions')}", f"{several} numbers")

    def draw(self, subject: Subject, *, title: str, dark: bool) -> Figure:
        part, held_out = subject.held_out()
        rows, encoder = spread(MOST, held_out), subject.data.encoder
        of = subject.of_target(self.target)
        place = of.place or 0
        true, predicted = (
            target_in_own_units(y.double(), encoder, place).numpy() for y in (rows.y, _predicted(subject, rows))
        )
        name = target_name(encoder, place) or "target"
        return predictions(true, predicted, name, title or f"{of.title}: {part} rows", dark=dark)


@torch.no_grad()
def _predicted(subject: Subject, rows: Rows) -> Tensor:
    """The numbers (N, T) that the network gives to each row, as it was trained on."""
    engine = subject.engine
    numbers = engine.criterion.predicted(engine.predict(rows.x.to(engine.device, engine.dtype)).flatten(1))
    return engine.criterion.middle(numbers).double().cpu()
