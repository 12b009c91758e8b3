"""The root mean squared error."""

from dataclasses import dataclass
from typing import final

from ..typing import Outputs, RowWeights, Targets
from ._base import Metric


@final
@dataclass(frozen=True)
class RMSE(Metric):
    """The square root of the mean over the rows of (z - y)^2, in the unit of y, at least 0.

    Of several outputs, the mean of theirs. `sklearn.metrics.root_mean_squared_error`.
    """

    kinds = ("numbers",)
    higher_is_better = False

    def value(self, logits: Outputs, y: Targets, weight: RowWeights | None) -> float:
        from sklearn.metrics import root_mean_squared_error

        return float(root_mean_squared_error(y, logits, sample_weight=weight))
