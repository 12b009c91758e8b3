"""The mean absolute error."""

from dataclasses import dataclass
from typing import Literal, final

from torch import nn

from ..layer import Memo
from ..typing import Outputs, RowWeights, Targets
from ._base import Loss, match_numbers


@final
@dataclass(frozen=True)
class MAE(Loss):
    """l_n = mean over the outputs o of |z_no - y_no|, with gradient sign(z_no - y_no) / O; z and y are (N, O).

    Its best constant is the median of the targets, as the mean is for `mse`: one wild row moves it little.
    """

    target = "numbers"

    def match(self, logits: Outputs, y: Targets) -> Targets:
        return match_numbers(logits, y)

    def rows(self, logits: Outputs, y: Targets, memo: Memo) -> RowWeights:
        return (logits - y).abs().flatten(1).mean(1)

    def gradient(self, logits: Outputs, y: Targets, memo: Memo) -> Outputs:
        return (logits - y).sign_().div_(logits[0].numel())

    def twin(self, reduction: Literal["mean", "none"]) -> nn.Module:
        return nn.L1Loss(reduction=reduction)
