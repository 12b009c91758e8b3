"""The share of right answers."""

from dataclasses import dataclass
from typing import final

from ..typing import Outputs, RowWeights, Targets
from ._base import SummedMetric, answer_counts
from ._summary import Sums


@final
@dataclass(frozen=True)
class Accuracy(SummedMetric[Sums]):
    """The share of rows whose answer is right, in [0, 1]: the class with the largest logit, or the sign of the logit.

    Of several classes with the same logit the first counts as the answer. `sklearn.metrics.accuracy_score`.
    """

    kinds = ("classes", "yes_no")
    higher_is_better = True

    def summary(self, logits: Outputs, y: Targets, weight: RowWeights) -> Sums:
        return answer_counts(logits, y, weight)

    def from_summary(self, summary: Sums) -> float:
        right, _, all_rows = summary.numbers.sum(2).unbind(1)
        return float((right / all_rows).mean())
