"""The share of rows whose class is among the k likeliest."""

from dataclasses import dataclass
from typing import final

from ..check import InputError, at_least
from ..typing import Outputs, RowWeights, Targets
from ._base import SummedMetric
from ._summary import Sums, sums_of


@final
@dataclass(frozen=True)
class TopK(SummedMetric[Sums]):
    """The share of rows whose class has one of the `k` largest logits, in [0, 1]; `k` at least 1 and less than C.

    With k = 1 it is the accuracy. Of several classes with the same logit the first comes first (scikit-learn takes the
    last). Raises an `InputError` if there are only `k` classes: every row would count as right.
    `sklearn.metrics.top_k_accuracy_score`.
    """

    kinds = ("classes",)
    higher_is_better = True

    k: int = 5

    def __post_init__(self) -> None:
        at_least("k of top_k", self.k, 1, "5 is usual")

    def summary(self, logits: Outputs, y: Targets, weight: RowWeights) -> Sums:
        if self.k >= logits.shape[1]:
            raise InputError(
                f"top_k must be measured over more than k={self.k} classes, got {logits.shape[1]}; write for example "
                f"top_k:k={max(1, logits.shape[1] // 2)}."
            )
        likeliest = logits.argsort(dim=1, descending=True, stable=True)[:, : self.k]  # (N, k)
        return sums_of((likeliest == y[:, None]).any(1, keepdim=True), weight)

    def from_summary(self, summary: Sums) -> float:
        return float(summary.means())
