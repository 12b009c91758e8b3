"""A metric of one output among several."""

from dataclasses import dataclass
from typing import Any, final

from torch import Tensor

from ..typing import Outputs, RowWeights, Targets
from ._base import Metric


@final
@dataclass(frozen=True)
class OfOutput(Metric[Any]):
    """The same metric of output `place`, for yes or no and numbers, whose targets have the shape (N, O)."""

    metric: Metric[Any]
    place: int
    kinds = ("yes_no", "numbers")

    @property
    def higher_is_better(self) -> bool:  # type: ignore[override]  # its metric's
        return self.metric.higher_is_better

    def value(self, logits: Outputs, y: Targets, weight: RowWeights | None) -> float:
        return self.metric.value(self._own(logits), self._own(y), weight)

    def summary(self, logits: Outputs, y: Targets, weight: RowWeights) -> Any:
        return self.metric.summary(self._own(logits), self._own(y), weight)

    def from_summary(self, summary: Any) -> float:
        return self.metric.from_summary(summary)

    def _own(self, values: Tensor) -> Tensor:
        return values[:, self.place : self.place + 1]
