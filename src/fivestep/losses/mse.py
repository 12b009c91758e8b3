"""The mean squared error."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, final

from torch import nn

from ..layer import Memo
from ..typing import Outputs, RowWeights, Targets
from ._base import Loss, match_numbers


@final
@dataclass(frozen=True)
class MSE(Loss):
    """l_n = mean over the outputs o of (z_no - y_no)^2, with gradient 2 (z_no - y_no) / O; z and y are (N, O)."""

    target = "numbers"
    formulas: ClassVar[Mapping[str, str]] = {
        "rows": "(logits - y)^2",
        "gradient": "2 (logits - y) / {O}",
    }

    def match(self, logits: Outputs, y: Targets) -> Targets:
        return match_numbers(logits, y)

    def rows(self, logits: Outputs, y: Targets, memo: Memo) -> RowWeights:
        return (logits - y).square().flatten(1).mean(1)

    def gradient(self, logits: Outputs, y: Targets, memo: Memo) -> Outputs:
        return (logits - y).mul_(2 / logits[0].numel())

    def twin(self, reduction: Literal["mean", "none"]) -> nn.Module:
        return nn.MSELoss(reduction=reduction)
