"""The absolute error with a rounded corner."""

from dataclasses import dataclass
from typing import Literal, final

from torch import nn

from ..check import positive
from ..layer import Memo
from ..typing import Outputs, RowWeights, Targets
from ._base import Loss, match_numbers


@final
@dataclass(frozen=True)
class SmoothL1(Loss):
    """l_n = mean over the outputs of e^2 / (2 beta) where |e| < beta and |e| - beta / 2 beyond; e = z - y.

    It is `huber` with delta = beta, divided by beta: far from the target its slope is 1 for every `beta`, which is
    greater than 0 and in the units of the target. With c = min(max(e, -beta), beta) it is c (e - c / 2) / beta, and the
    gradient is c / (beta O); z and y are (N, O). Girshick 2015, "Fast R-CNN", equation 3.
    """

    beta: float = 1.0
    target = "numbers"

    def __post_init__(self) -> None:
        positive("beta", self.beta, "1 is usual for targets of variance 1")

    def match(self, logits: Outputs, y: Targets) -> Targets:
        return match_numbers(logits, y)

    def rows(self, logits: Outputs, y: Targets, memo: Memo) -> RowWeights:
        e = logits - y
        c = e.clamp(-self.beta, self.beta)
        return (c * (e - c / 2) / self.beta).flatten(1).mean(1)

    def gradient(self, logits: Outputs, y: Targets, memo: Memo) -> Outputs:
        return (logits - y).clamp_(-self.beta, self.beta).div_(self.beta * logits[0].numel())

    def twin(self, reduction: Literal["mean", "none"]) -> nn.Module:
        return nn.SmoothL1Loss(reduction=reduction, beta=self.beta)
