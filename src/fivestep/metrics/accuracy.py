"""The share of right answers."""

from dataclasses import dataclass
from statistics import fmean
from typing import final

from ..typing import Outputs, RowWeights, Targets
from ._base import Metric, answers, weighted_mean


@final
@dataclass(frozen=True)
class Accuracy(Metric):
    """The share of rows whose answer is right, in [0, 1]: the class with the largest logit, or the sign of the logit.

    Of several classes with the same logit the first counts as the answer. `sklearn.metrics.accuracy_score`.
    """

    kinds = ("classes", "yes_no")
    higher_is_better = True

    def value(self, logits: Outputs, y: Targets, weight: RowWeights | None) -> float:
        return fmean(weighted_mean((given == right).double(), weight) for given, right in answers(logits, y))
