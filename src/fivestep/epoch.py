"""What came out of an epoch, as plain numbers."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple, Self, final

from .plan import TrainPlan


class Evaluation(NamedTuple):
    """The mean loss over the rows, the accuracy (None for regression), and the metrics by name."""

    loss: float
    accuracy: float | None
    metrics: Mapping[str, float] = MappingProxyType({})

    def figures(self) -> dict[str, float | None]:
        """All figures by name."""
        return {"loss": self.loss, "accuracy": self.accuracy, **self.metrics}


@final
@dataclass(frozen=True)
class Epoch:
    """The state of training after epoch `index` (counted from 1) and `step` steps.

    `train_loss` and `valid_loss` are measured with the same weights in evaluation mode, so they can be compared.
    `running_loss` is the mean loss of the steps since the last `Epoch`, while the weights moved and dropout was on:
    what other libraries show as the training loss. `seconds` is the time of those steps alone, without evaluation and,
    on a CPU, without compiling. `train_metrics` and `valid_metrics` are the plan's metrics by name.
    """

    index: int
    step: int
    lr: float
    running_loss: float
    train_loss: float
    train_accuracy: float | None
    valid_loss: float | None
    valid_accuracy: float | None
    seconds: float
    rows_per_second: float
    train_metrics: Mapping[str, float] = dataclasses.field(default_factory=dict, hash=False)
    valid_metrics: Mapping[str, float] = dataclasses.field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        for name in ("train_metrics", "valid_metrics"):  # plain dicts: a read-only view cannot be sent to another rank
            object.__setattr__(self, name, dict(getattr(self, name)))

    @classmethod
    def of(cls, train: Evaluation, valid: Evaluation | None, **steps: Any) -> Self:
        """An epoch from the evaluations of both parts, and its other fields by name."""
        return cls(
            train_loss=train.loss,
            train_accuracy=train.accuracy,
            train_metrics=train.metrics,
            valid_loss=None if valid is None else valid.loss,
            valid_accuracy=None if valid is None else valid.accuracy,
            valid_metrics={} if valid is None else valid.metrics,
            **steps,
        )

    def figures(self) -> dict[str, float | None]:
        """What was measured, by part and name: "train_loss", "train_accuracy", "train_f1", ..., "valid_loss", ..."""
        parts = {
            "train": Evaluation(self.train_loss, self.train_accuracy, self.train_metrics).figures(),
            "valid": {"loss": self.valid_loss, "accuracy": self.valid_accuracy, **self.valid_metrics},
        }
        return {f"{part}_{name}": value for part, figures in parts.items() for name, value in figures.items()}

    def __str__(self) -> str:
        shown = {name: value for name, value in self.figures().items() if value is not None}
        numbers = "  ".join(f"{name} {value:.4f}" for name, value in shown.items())
        return f"epoch {self.index}  {numbers}  {self.seconds:.2f} s"


def monitored(epoch: Epoch, plan: TrainPlan) -> float:
    """The figure that stopping and schedules watch, of the validation part if there is one: lower is better.

    A metric that is better when higher, and best at 1, becomes 1 - value.
    """
    part = "train" if epoch.valid_loss is None else "valid"
    value = epoch.figures()[f"{part}_{plan.monitor}"]
    assert value is not None
    return 1 - value if plan.monitor != "loss" and plan.build_metrics()[plan.monitor].higher_is_better else value
