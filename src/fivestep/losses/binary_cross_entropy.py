"""The binary cross-entropy on logits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, final

import torch
from torch import Tensor, nn

from ..check import in_unit_interval
from ..layer import Memo
from ..typing import Outputs, RowWeights, Targets
from ._base import Loss, match_numbers


@final
@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    """l_n = mean over the outputs of -y log p - (1 - y) log(1 - p) with p = sigmoid(z), in nats; z logit, y 0 or 1.

    On the logit it is y log(1 + exp(-z)) + (1 - y) log(1 + exp(z)), which never overflows and is exact at both ends:
    at z = -200, y = 1 it is 200, where a sigmoid followed by a clipped logarithm gives 100. Gradient: (p - y) / O.

    `label_smoothing` s, in [0, 1), moves the targets towards one half: y (1 - s) + s / 2 takes the place of y.
    """

    label_smoothing: float = 0.0
    target = "yes_no"
    target_range = (0.0, 1.0)
    inverse_link = "sigmoid"
    formulas: ClassVar[Mapping[str, str]] = {
        "rows": "-y log p - (1 - y) log(1 - p)",
        "gradient": "(p - y) / {O}",
    }

    def __post_init__(self) -> None:
        in_unit_interval("label_smoothing", self.label_smoothing, "0 switches it off")

    def match(self, logits: Outputs, y: Targets) -> Targets:
        return match_numbers(logits, y)

    def rows(self, logits: Outputs, y: Targets, memo: Memo) -> RowWeights:
        z, zero, y = logits, torch.zeros_like(logits), self._smooth(y)
        losses = y * torch.logaddexp(zero, -z) + (1 - y) * torch.logaddexp(zero, z)  # (N, O)
        return losses.flatten(1).mean(1)

    def gradient(self, logits: Outputs, y: Targets, memo: Memo) -> Outputs:
        return torch.sigmoid(logits).sub_(self._smooth(y)).div_(logits[0].numel())

    def twin(self, reduction: Literal["mean", "none"]) -> nn.Module:
        loss = nn.BCEWithLogitsLoss(reduction=reduction)
        return _TorchSmoothed(self.label_smoothing, loss) if self.label_smoothing else loss

    def _smooth(self, y: Targets) -> Targets:
        return y * (1 - self.label_smoothing) + self.label_smoothing / 2 if self.label_smoothing else y


@final
class _TorchSmoothed(nn.Module):  # torch smooths labels in its cross-entropy for classes only
    def __init__(self, label_smoothing: float, loss: nn.Module) -> None:
        super().__init__()
        self.label_smoothing, self.loss = label_smoothing, loss

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        smoothed: Tensor = self.loss(z, torch.lerp(y, torch.full_like(y, 0.5), self.label_smoothing))
        return smoothed
