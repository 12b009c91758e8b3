"""The share of rows in which every answer is right."""

from dataclasses import dataclass
from typing import final

import torch

from ..typing import Outputs, RowWeights, Targets
from ._base import SummedMetric, answers
from ._summary import Sums, sums_of


@final
@dataclass(frozen=True)
class SubsetAccuracy(SummedMetric[Sums]):
    """The share of rows in which the answers to all yes or no questions are right, in [0, 1].

    Of one question it is the accuracy. `sklearn.metrics.accuracy_score` of several labels.
    """

    kinds = ("yes_no",)
    higher_is_better = True
    averages_outputs = False

    def summary(self, logits: Outputs, y: Targets, weight: RowWeights) -> Sums:
        right = torch.stack([given == asked for given, asked in answers(logits, y)], 1).all(1, keepdim=True)
        return sums_of(right.to(weight.dtype), weight)

    def from_summary(self, summary: Sums) -> float:
        return float(summary.means().mean())
