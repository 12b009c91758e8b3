"""The Huber loss."""

from dataclasses import dataclass
from typing import Literal, final

from torch import nn

from ..check import positive
from ..layer import Memo
from ..typing import Outputs, RowWeights, Targets
from ._base import Loss, match_numbers


@final
@dataclass(frozen=True)
class Huber(Loss):
    """l_n = mean over the outputs of e^2 / 2 where |e| <= delta and delta (|e| - delta / 2) beyond; e = z - y.

    Squared near the target and absolute far from it. With c = min(max(e, -delta), delta) it is c (e - c / 2), and the
    gradient is c / O. `delta`, greater than 0, is in the units of the target; z and y are (N, O). Huber 1964, "Robust
    estimation of a location parameter".
    """

    delta: float = 1.0
    target = "numbers"

    def __post_init__(self) -> None:
        positive("delta", self.delta, "1 is usual for targets of variance 1")

    def match(self, logits: Outputs, y: Targets) -> Targets:
        return match_numbers(logits, y)

    def rows(self, logits: Outputs, y: Targets, memo: Memo) -> RowWeights:
        e = logits - y
        c = e.clamp(-self.delta, self.delta)
        return (c * (e - c / 2)).flatten(1).mean(1)

    def gradient(self, logits: Outputs, y: Targets, memo: Memo) -> Outputs:
        return (logits - y).clamp_(-self.delta, self.delta).div_(logits[0].numel())

    def twin(self, reduction: Literal["mean", "none"]) -> nn.Module:
        return nn.HuberLoss(reduction=reduction, delta=self.delta)
