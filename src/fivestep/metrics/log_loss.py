"""The cross-entropy of the probabilities."""

from dataclasses import dataclass
from typing import final

from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from ..typing import Outputs, RowWeights, Targets
from ._base import SummedMetric
from ._summary import Sums, sums_of


@final
@dataclass(frozen=True)
class LogLoss(SummedMetric[Sums]):
    """The mean of -log p of the right answer, in nats, at least 0, with p = softmax(z) or sigmoid(z).

    The plain cross-entropy, whatever the run's own loss adds to it (smoothing, class weights) or is instead (hinge).
    From the logits, so that nothing is clipped; otherwise `sklearn.metrics.log_loss`.
    """

    kinds = ("classes", "yes_no")
    higher_is_better = False

    def summary(self, logits: Outputs, y: Targets, weight: RowWeights) -> Sums:
        if y.dim() < logits.dim():
            return sums_of(cross_entropy(logits, y, reduction="none")[:, None], weight)
        return sums_of(binary_cross_entropy_with_logits(logits, y.to(logits.dtype), reduction="none"), weight)

    def from_summary(self, summary: Sums) -> float:
        return float(summary.means().mean())
