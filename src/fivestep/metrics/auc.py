"""The area under the ROC curve."""

from dataclasses import dataclass
from statistics import fmean
from typing import final

from ..check import InputError, one_of
from ..typing import Outputs, RowWeights, Targets
from ._base import Metric, present, questions, weighted_mean


@final
@dataclass(frozen=True)
class AUC(Metric):
    """The probability that a random yes has a larger logit than a random no, ties counting half, in [0, 1].

    For classes it is the mean over those that occur, each against all others by its probability ("one versus rest"):
    every class the same (`average` "macro"), or as often as it occurs ("weighted").
    Raises an `InputError` where the rows hold one answer only: nothing can be compared. Hanley and McNeil 1982, "The
    meaning and use of the area under a receiver operating characteristic curve"; `sklearn.metrics.roc_auc_score`.
    """

    kinds = ("classes", "yes_no")
    higher_is_better = True

    average: str = "macro"

    def __post_init__(self) -> None:
        one_of("average of auc", str(self.average), ("macro", "weighted"))

    def value(self, logits: Outputs, y: Targets, weight: RowWeights | None) -> float:
        from sklearn.metrics import roc_auc_score

        if y.dim() < logits.dim():
            p = logits.softmax(-1)
            pairs = [(p[:, c], y == c) for c in present(y)]
        else:
            pairs = questions(logits, y)
        if any(len(present(right)) < 2 for _, right in pairs):
            raise InputError(
                "auc must be measured on rows with at least two different answers, got one answer only; take more "
                "rows, or leave auc out."
            )
        values = [roc_auc_score(right, scores, sample_weight=weight) for scores, right in pairs]
        if self.average == "macro" or y.dim() == logits.dim():
            return fmean(values)
        return fmean(values, [weighted_mean(right.double(), weight) for _, right in pairs])
