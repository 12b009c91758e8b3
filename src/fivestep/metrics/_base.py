"""What a metric provides: the targets it fits, the better direction, its value."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Generic, Literal, TypeVar, final

import torch
from torch import Tensor

from ..check import InputError
from ..find import Choice, build, find, names
from ..typing import Outputs, RowWeights, Targets
from ._summary import Summary, Sums

Kind = Literal["classes", "yes_no", "numbers"]
"""What a target is, in the words of `Loss.target`."""


Kept = TypeVar("Kept", bound=Summary)


class Metric(ABC, Generic[Kept]):
    """A figure that tells how good predictions are, as frozen data. Definitions follow scikit-learn.

    Where there are several yes or no questions (O > 1), a metric is the mean over the questions, each on its own, where
    it `averages_outputs`.
    """

    kinds: ClassVar[tuple[Kind, ...]]
    """The kinds of target it suits."""

    higher_is_better: ClassVar[bool]
    """Whether larger values are better; the best is then 1, and otherwise 0."""

    averages_outputs: ClassVar[bool] = True
    """Whether its value of several outputs is the mean of theirs."""

    @abstractmethod
    def value(self, logits: Outputs, y: Targets, weight: RowWeights | None) -> float:
        """Its value over all rows: logits (N, C) beside classes y (N,), else (N, O) beside y (N, O); weights (N,).

        For numbers, `logits` are the predictions themselves. Everything is on the CPU. Raises an `InputError` where
        the metric is not defined for such rows.
        """

    @abstractmethod
    def summary(self, logits: Outputs, y: Targets, weight: RowWeights) -> Kept:
        """A summary of such rows, for rows that do not fit into memory; summaries of parts are merged."""

    @abstractmethod
    def from_summary(self, summary: Kept) -> float:
        """The value over the rows that it is of, to rounding, or as near to it as the metric says."""


class SummedMetric(Metric[Kept]):
    """A metric whose value is a function of the summary."""

    @final
    def value(self, logits: Outputs, y: Targets, weight: RowWeights | None) -> float:
        logits = logits.double()
        weight = logits.new_ones(len(logits)) if weight is None else weight.to(logits.dtype)
        return self.from_summary(self.summary(logits, y, weight))


AnyMetric = Metric[Any]


def build_metrics(chosen: str | Iterable[str] | Mapping[str, AnyMetric], kind: Kind) -> dict[str, AnyMetric]:
    """The metrics by name, made with their options; raises an `InputError` for one that does not suit the target.

    Those that are made already stay as they are.
    """
    if isinstance(chosen, Mapping):
        return dict(chosen)
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
    metrics: Mapping[str, AnyMetric], logits: Outputs, y: Targets, weight: RowWeights | None = None
) -> dict[str, float]:
    """The value of each metric, in float64 on the CPU. `y` is as the loss's `match` gives it; tokens count as rows.

    Rows of weight 0 do not count, not even as an occurrence of their class. Predictions that are not finite, as those
    of a network that diverges, have no value: each metric is nan.
    """
    if not metrics:
        return {}
    z, y, weight = counted(logits, y, weight)
    if not z.isfinite().all():
        return dict.fromkeys(metrics, math.nan)
    return {name: metric.value(z, y, weight) for name, metric in metrics.items()}


def counted(logits: Outputs, y: Targets, weight: RowWeights | None) -> tuple[Tensor, Tensor, Tensor | None]:
    """The rows that count, as a metric takes them: in float64 on the CPU, tokens as rows."""
    num_tokens = math.prod(logits.shape[1:-1])
    z, y = logits.flatten(0, -2).cpu().double(), y.flatten(0, logits.dim() - 2).cpu()
    if weight is not None:
        weight = weight.cpu().double().repeat_interleave(num_tokens)
        if not (counts := weight > 0).all():  # else nothing is copied: there may be many rows
            z, y, weight = z[counts], y[counts], weight[counts]
    return z, y, weight


def answers(logits: Outputs, y: Targets) -> list[tuple[Tensor, Tensor]]:
    """The answers given and the right ones, (N,) each: the likeliest class, or one pair for each yes or no question."""
    if y.dim() < logits.dim():
        return [(logits.argmax(-1), y)]
    return [(z > 0, right) for z, right in questions(logits, y)]


def questions(logits: Outputs, y: Targets) -> list[tuple[Tensor, Tensor]]:
    """The logit and the right answer of each yes or no question, (N,) each; a y above one half is a yes."""
    return list(zip(logits.unbind(-1), (y > 0.5).unbind(-1), strict=True))


def answer_counts(logits: Outputs, y: Targets, weight: RowWeights) -> Sums:
    """Of each question and each class, (Q, 3, C): the weight of the right answers, of all given, of all to be given.

    Yes and no are the classes 1 and 0 of a question of its own, classes those of one question.
    """
    num_classes = logits.shape[1] if y.dim() < logits.dim() else 2
    counts = []
    for given, right in answers(logits, y):
        per_class = weight.new_zeros(3, num_classes)
        for row, (classes, of) in enumerate(((right, weight * (given == right)), (given, weight), (right, weight))):
            per_class[row].index_add_(0, classes.long(), of)
        counts.append(per_class)
    return Sums(torch.stack(counts))


def weighted_mean(values: Tensor, weight: RowWeights | None) -> float:
    """The mean of one value per row, weighted by the row."""
    return float(values.mean() if weight is None else values @ (weight / weight.sum()).to(values.dtype))


def present(y: Tensor) -> list[int]:
    """The classes that occur."""
    found: list[int] = torch.unique(y).int().tolist()
    return found
