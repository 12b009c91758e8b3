"""The mean absolute error."""

from dataclasses import dataclass
from typing import final

from ..typing import Outputs, RowWeights, Targets
from ._base import SummedMetric
from ._summary import Sums, sums_of


@final
@dataclass(frozen=True)
class MAE(SummedMetric[Sums]):
    """The mean over the rows of |z - y|, in the unit of y, at least 0.

    Of several outputs, the mean of theirs. `sklearn.metrics.mean_absolute_error`.
    """

    kinds = ("numbers",)
    higher_is_better = False

    def summary(self, logits: Outputs, y: Targets, weight: RowWeights) -> Sums:
        return sums_of((logits - y).abs(), weight)

    def from_summary(self, summary: Sums) -> float:
        return float(summary.means().mean())
