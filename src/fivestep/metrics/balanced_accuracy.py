"""The accuracy with every class counting the same."""

from dataclasses import dataclass
from statistics import fmean
from typing import final

from ..typing import Outputs, RowWeights, Targets
from ._base import Metric, answers, present


@final
@dataclass(frozen=True)
class BalancedAccuracy(Metric):
    """The mean over the classes of the share of their rows whose answer is right, in [0, 1].

    Only classes that occur among the rows count; guessing gives 1 / C however uneven the classes are.
    `sklearn.metrics.balanced_accuracy_score`.
    """

    kinds = ("classes", "yes_no")
    higher_is_better = True

    def value(self, logits: Outputs, y: Targets, weight: RowWeights | None) -> float:
        from sklearn.metrics import recall_score

        return fmean(
            recall_score(right, given, labels=present(right), average="macro", sample_weight=weight)
            for given, right in answers(logits, y)
        )
