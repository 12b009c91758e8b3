"""The accuracy with every class counting the same."""

from dataclasses import dataclass
from statistics import fmean
from typing import final

from ..typing import Outputs, RowWeights, Targets
from ._base import SummedMetric, answer_counts
from ._summary import Sums


@final
@dataclass(frozen=True)
class BalancedAccuracy(SummedMetric[Sums]):
    """The mean over the classes of the share of their rows whose answer is right, in [0, 1].

    Only classes that occur among the rows count; guessing gives 1 / C however uneven the classes are.
    `sklearn.metrics.balanced_accuracy_score`.
    """

    kinds = ("classes", "yes_no")
    higher_is_better = True

    def summary(self, logits: Outputs, y: Targets, weight: RowWeights) -> Sums:
        return answer_counts(logits, y, weight)

    def from_summary(self, summary: Sums) -> float:
        shares = [(right / rows)[rows > 0] for right, _, rows in summary.numbers.unbind()]
        return fmean(float(of_classes.mean()) for of_classes in shares)
