"""The mean absolute error."""

from dataclasses import dataclass
from typing import final

from ..typing import Outputs, RowWeights, Targets
from ._base import Metric


@final
@dataclass(frozen=True)
class MAE(Metric):
    """The mean over the rows of |z - y|, in the unit of y, at least 0.

    Of several outputs, the mean of theirs. `sklearn.metrics.mean_absolute_error`.
    """

    kinds = ("numbers",)
    higher_is_better = False

    def value(self, logits: Outputs, y: Targets, weight: RowWeights | None) -> float:
        from sklearn.metrics import mean_absolute_error

        return float(mean_absolute_error(y, logits, sample_weight=weight))
