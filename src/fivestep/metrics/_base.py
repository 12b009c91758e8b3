"""What a metric has to say: the targets it suits, which direction is better, its value."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import ClassVar, Literal

import torch
from torch import Tensor

from ..check import InputError
from ..find import Choice, build, find, names
from ..typing import Outputs, RowWeights, Targets

Kind = Literal["classes", "yes_no", "numbers"]
"""What a target is, in the words of `Loss.target`."""


class Metric(ABC):
    """A figure that tells how good predictions are, as frozen data. scikit-learn's definition is ours.

    Where there are several yes or no questions (O > 1), a metric is the mean over the questions, each on its own.
    """

    kinds: ClassVar[tuple[Kind, ...]]
    """The kinds of target it suits."""

    higher_is_better: ClassVar[bool]
    """Whether a larger value is a better one; the best is then 1, and otherwise 0."""

    @abstractmethod
    def value(self, logits: Outputs, y: Targets, weight: RowWeights | None) -> float:
        """Its value over all rows: logits (N, C) beside classes y (N,), else (N, O) beside y (N, O); weights (N,).

        For numbers, `logits` are the predictions themselves. Everything is on the CPU. Raises an `InputError` where
        the metric is not defined for such rows.
        """


def build_metrics(chosen: str | Iterable[str], kind: Kind) -> dict[str, Metric]:
    """The metrics by name, made with their options; raises an `InputError` for one that does not suit the target."""
    several = (chosen,) if isinstance(chosen, str) else chosen
    return {name: build("metrics", check_kind(name, kind)) for name in several}


def check_kind(name: str, kind: Kind) -> str:
    """The name or choice of a metric, if the metric suits that kind of target."""
    if kind in find("metrics", Choice.parse(name).name).kinds:
        return name
    suited = ", ".join(known for known in names("metrics") if kind in find("metrics", known).kinds)
    raise InputError(
        f"a metric for {WORDS[kind]}, which the loss is for, must be one of {suited}, got {name!r}; choose one of them."
    )


WORDS = {"classes": "classes", "yes_no": "yes or no", "numbers": "numbers"}


def measure(
    metrics: Mapping[str, Metric], logits: Outputs, y: Targets, weight: RowWeights | None = None
) -> dict[str, float]:
    """The value of each metric, in float64 on the CPU. `y` is as the loss's `match` gives it; tokens count as rows.

    Rows of weight 0 do not count, not even as an occurrence of their class.
    """
    if not metrics:
        return {}
    num_tokens = math.prod(logits.shape[1:-1])
    z, y = logits.flatten(0, -2).cpu().double(), y.flatten(0, logits.dim() - 2).cpu()
    if weight is not None:
        weight = weight.cpu().double().repeat_interleave(num_tokens)
        if not (counts := weight > 0).all():  # else nothing is copied: there may be many rows
            z, y, weight = z[counts], y[counts], weight[counts]
    return {name: metric.value(z, y, weight) for name, metric in metrics.items()}


def answers(logits: Outputs, y: Targets) -> list[tuple[Tensor, Tensor]]:
    """The answers given and the right ones, (N,) each: the likeliest class, or one pair for each yes or no question."""
    if y.dim() < logits.dim():
        return [(logits.argmax(-1), y)]
    return [(z > 0, right) for z, right in questions(logits, y)]


def questions(logits: Outputs, y: Targets) -> list[tuple[Tensor, Tensor]]:
    """The logit and the right answer of each yes or no question, (N,) each; a y above one half is a yes."""
    return list(zip(logits.unbind(-1), (y > 0.5).unbind(-1), strict=True))


def weighted_mean(values: Tensor, weight: RowWeights | None) -> float:
    """The mean of one value per row, weighted by the row."""
    return float(values.mean() if weight is None else values @ (weight / weight.sum()).to(values.dtype))


def present(y: Tensor) -> list[int]:
    """The classes that occur."""
    found: list[int] = torch.unique(y).int().tolist()
    return found
