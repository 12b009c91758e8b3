"""The learning-rate range test."""

from dataclasses import asdict, dataclass
from typing import ClassVar, final

from matplotlib.figure import Figure

from ..plots.lr_range import lr_range
from ..range_test import lr_range_test
from ._base import Lacking, Picture, Subject


@final
@dataclass(frozen=True)
class LrRange(Picture):
    """The losses of `num_steps` steps at rates from `low` to `high`, from the weights at the start of the training."""

    description: ClassVar[str] = "the learning-rate range test, from the start of the training"
    low: float = 1e-6
    high: float = 1.0
    num_steps: int = 100

    def lacks(self, subject: Subject) -> Lacking | None:
        return None

    def draw(self, subject: Subject, *, title: str, dark: bool) -> Figure:
        engine = subject.starting_engine()
        found = lr_range_test(engine, subject.data, engine.plan, self.low, self.high, self.num_steps)
        words = title or f"{subject.title}, {subject.engine.plan.optimizer}"
        return lr_range(**asdict(found), title=words, dark=dark)
