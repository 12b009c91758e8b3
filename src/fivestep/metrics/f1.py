"""The F1 score."""

from dataclasses import dataclass
from statistics import fmean
from typing import final

from ..check import one_of
from ..typing import Outputs, RowWeights, Targets
from ._base import Metric, answers


@final
@dataclass(frozen=True)
class F1(Metric):
    """2 TP / (2 TP + FP + FN), the harmonic mean of precision and recall, in [0, 1]; of classes, their plain mean.

    For yes or no it is that of the yes. For classes each has its own, against all others, and every class that occurs
    among the answers given or the right ones counts the same (`average` "macro"), as often as it occurs ("weighted"),
    or TP, FP and FN are those of all classes together ("micro", which is the accuracy). One without a right answer
    is 0. `sklearn.metrics.f1_score`.
    """

    kinds = ("classes", "yes_no")
    higher_is_better = True

    average: str = "macro"

    def __post_init__(self) -> None:
        one_of("average of f1", str(self.average), ("macro", "weighted", "micro"))

    def value(self, logits: Outputs, y: Targets, weight: RowWeights | None) -> float:
        from sklearn.metrics import f1_score

        average = self.average if y.dim() < logits.dim() else "binary"
        return fmean(
            f1_score(right, given, average=average, sample_weight=weight, zero_division=0)
            for given, right in answers(logits, y)
        )
