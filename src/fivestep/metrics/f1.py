"""The F1 score."""

from dataclasses import dataclass
from statistics import fmean
from typing import final

import torch
from torch import Tensor

from ..check import one_of
from ..typing import Outputs, RowWeights, Targets
from ._base import SummedMetric, answer_counts
from ._summary import Sums


@final
@dataclass(frozen=True)
class F1(SummedMetric[Sums]):
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

    def summary(self, logits: Outputs, y: Targets, weight: RowWeights) -> Sums:
        counts = answer_counts(logits, y, weight)
        return counts if y.dim() < logits.dim() else Sums(counts.numbers[:, :, 1:])  # of yes or no, the yes

    def from_summary(self, summary: Sums) -> float:
        return fmean(self._of_question(*counts) for counts in summary.numbers.unbind())

    def _of_question(self, right: Tensor, given: Tensor, rows: Tensor) -> float:
        """From TP, TP + FP and TP + FN of each class, (C,) each."""
        if self.average == "micro" and len(rows) > 1:
            right, given, rows = (of.sum(0, keepdim=True) for of in (right, given, rows))
        occurs = given + rows > 0
        scores, share = 2 * right / (given + rows).where(occurs, torch.ones(())), rows
        if self.average != "weighted" or len(rows) == 1:
            share = occurs.to(rows.dtype)
        return float(scores @ share / share.sum()) if occurs.any() else 0.0
