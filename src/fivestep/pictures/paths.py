"""Batch, mini-batch and stochastic descent on one landscape."""

from dataclasses import dataclass, replace
from typing import ClassVar, final

import numpy as np
import torch
from matplotlib.figure import Figure

from ..check import at_least, positive
from ..engines._make import make_engine
from ..plots._terrain import Terrain
from ..plots.paths import paths
from ..steps import do_step, upcoming_steps
from ._base import Lacking, Picture, Subject
from ._landscape import loss_around

MARGIN = 0.25


@final
@dataclass(frozen=True)
class Paths(Picture):
    """The parameters after each update of the same training with all rows, `mini` rows and one row at a time.

    For a network of two parameters, whose plane is the whole landscape. All three see every row `epochs` times, at the
    rate `lr`; the loss is drawn at `places` x `places` places.
    """

    description: ClassVar[str] = "batch, mini-batch and stochastic descent on one landscape (two parameters)"
    epochs: int = 30
    mini: int = 3
    lr: float = 0.1
    places: int = 60

    def __post_init__(self) -> None:
        at_least("epochs", self.epochs, 1)
        at_least("mini", self.mini, 1)
        at_least("places", self.places, 3)
        positive("lr", self.lr)

    def lacks(self, subject: Subject) -> Lacking | None:
        parameters = subject.engine.spec.num_parameters
        if parameters == 2 and set(subject.engine.named_parameters()) == {"0.weight", "0.bias"}:
            return None
        return Lacking("a network of two parameters, such as that of the task line", f"one of {parameters:,}")

    def draw(self, subject: Subject, *, title: str, dark: bool) -> Figure:
        num_rows = len(subject.data.train)
        sizes = {"batch": None, f"mini-batch of {self.mini}": min(self.mini, num_rows), "stochastic": 1}
        ways = {name: self._way(subject, size) for name, size in sizes.items()}
        everywhere = np.concatenate(list(ways.values()))
        low, high = everywhere.min(0), everywhere.max(0)
        margin = MARGIN * (high - low)
        x, y = (np.linspace(low[k] - margin[k], high[k] + margin[k], self.places) for k in range(2))
        engine = subject.copied_engine()
        loss = loss_around(subject, engine, self.places**2)
        flat = engine.params.flat
        heights = np.array([[loss(flat.new_tensor([w, b])) for w in x] for b in y])
        words = title or f"{subject.title}: {self.epochs} epochs at learning rate {self.lr:g}"
        return paths(Terrain(x, y, heights), ways, ("weight", "bias"), words, best=_best(subject), dark=dark)

    def _way(self, subject: Subject, size: int | None) -> np.ndarray:
        """The weight and the bias before the first and after each update, (T, 2)."""
        plan = replace(
            subject.engine.plan, batch_size=size, micro_batch_size=None, epochs=self.epochs, lr=self.lr, optimizer="sgd"
        )
        own = subject.engine
        engine = make_engine("scratch", own.spec, plan, dtype=own.dtype, device=own.device)
        named = engine.named_parameters()
        found = [[named["0.weight"].item(), named["0.bias"].item()]]
        for upcoming in upcoming_steps(engine, subject.data, plan, 0):
            do_step(engine, upcoming, plan)
            found.append([named["0.weight"].item(), named["0.bias"].item()])
        return np.array(found)


def _best(subject: Subject) -> tuple[float, float] | None:
    """The least-squares solution, where the loss is a squared error."""
    if str(subject.engine.plan.loss) != "mse":
        return None
    x = subject.data.train.x.reshape(-1, 1).double().cpu()
    y = subject.data.train.y.reshape(-1).double().cpu()
    slope, intercept = torch.linalg.lstsq(torch.cat([x, torch.ones_like(x)], 1), y).solution.tolist()
    return slope, intercept
