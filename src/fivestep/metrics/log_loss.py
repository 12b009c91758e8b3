"""The cross-entropy of the probabilities."""

from dataclasses import dataclass
from typing import final

from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from ..typing import Outputs, RowWeights, Targets
from ._base import Metric, weighted_mean


@final
@dataclass(frozen=True)
class LogLoss(Metric):
    """The mean of -log p of the right answer, in nats, at least 0, with p = softmax(z) or sigmoid(z).

    The plain cross-entropy, whatever the run's own loss adds to it (smoothing, class weights) or is instead (hinge).
    From the logits, so that nothing is clipped; otherwise `sklearn.metrics.log_loss`.
    """

    kinds = ("classes", "yes_no")
    higher_is_better = False

    def value(self, logits: Outputs, y: Targets, weight: RowWeights | None) -> float:
        if y.dim() < logits.dim():
            return weighted_mean(cross_entropy(logits, y, reduction="none"), weight)
        rows = binary_cross_entropy_with_logits(logits, y.to(logits.dtype), reduction="none").mean(1)
        return weighted_mean(rows, weight)
