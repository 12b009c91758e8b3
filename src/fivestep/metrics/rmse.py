"""The root mean squared error."""

from dataclasses import dataclass
from typing import final

from ..typing import Outputs, RowWeights, Targets
from ._base import SummedMetric
from ._summary import Sums, sums_of


@final
@dataclass(frozen=True)
class RMSE(SummedMetric[Sums]):
    """The square root of the mean over the rows of (z - y)^2, in the unit of y, at least 0.

    Of several outputs, the mean of theirs. `sklearn.metrics.root_mean_squared_error`.
    """

    kinds = ("numbers",)
    higher_is_better = False

    def summary(self, logits: Outputs, y: Targets, weight: RowWeights) -> Sums:
        return sums_of((logits - y).square(), weight)

    def from_summary(self, summary: Sums) -> float:
        return float(summary.means().sqrt().mean())
