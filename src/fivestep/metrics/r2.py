"""The coefficient of determination."""

from dataclasses import dataclass
from statistics import fmean
from typing import final

from ..check import InputError
from ..typing import Outputs, RowWeights, Targets
from ._base import SummedMetric
from ._summary import Moments


@final
@dataclass(frozen=True)
class R2(SummedMetric[Moments]):
    """1 - sum (y - z)^2 / sum (y - mean y)^2, at most 1; of several outputs, the mean of theirs.

    It is 0 for a prediction of the mean and negative for a worse one. Where all y are equal it is 1 for exactly
    right predictions and else 0. Raises an `InputError` for a single row. `sklearn.metrics.r2_score`.
    """

    kinds = ("numbers",)
    higher_is_better = True

    def summary(self, logits: Outputs, y: Targets, weight: RowWeights) -> Moments:
        return Moments.of(logits, y, weight)

    def from_summary(self, summary: Moments) -> float:
        if summary.num_rows < 2:
            raise InputError("r2 must be measured on at least two rows, got one; take more rows, or leave r2 out.")
        pairs = zip(summary.errors.tolist(), summary.around_mean.tolist(), strict=True)
        return fmean(1 - errors / around if around else float(not errors) for errors, around in pairs)
