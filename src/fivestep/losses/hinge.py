"""The hinge loss for yes or no."""

from dataclasses import dataclass
from typing import Literal, final

from torch import Tensor, nn
from torch.nn.functional import relu

from ..layer import Memo
from ..typing import Outputs, RowWeights, Targets
from ._base import Loss, match_numbers


@final
@dataclass(frozen=True)
class Hinge(Loss):
    """l_n = mean over the outputs of max(0, 1 - s z) with s = 2 y - 1; z is (N, O), y is 0 or 1 as everywhere here.

    The literature writes s, -1 or 1, for the target. The sign of z is the answer; a right one costs nothing once
    s z >= 1, so z is a margin and no log-odds: it gives no probability. Gradient: -s / O where s z < 1, else 0. Cortes
    and Vapnik 1995, "Support-vector networks".
    """

    target = "yes_no"
    target_range = (0.0, 1.0)

    def match(self, logits: Outputs, y: Targets) -> Targets:
        return match_numbers(logits, y)

    def rows(self, logits: Outputs, y: Targets, memo: Memo) -> RowWeights:
        s = 2 * y - 1
        return relu(1 - s * logits).flatten(1).mean(1)

    def gradient(self, logits: Outputs, y: Targets, memo: Memo) -> Outputs:
        s = 2 * y - 1
        return (s * logits < 1).to(s.dtype).mul_(s).div_(-logits[0].numel())

    def twin(self, reduction: Literal["mean", "none"]) -> nn.Module:
        return _TorchHinge(reduction)


@final
class _TorchHinge(nn.Module):  # torch has it for several classes only: the formula again, with the targets -1 and 1
    def __init__(self, reduction: Literal["mean", "none"]) -> None:
        super().__init__()
        self.reduction = reduction

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        losses = relu(1 - z.where(y > 0.5, -z))
        return losses.mean() if self.reduction == "mean" else losses
