"""The binary cross-entropy on logits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, final

import torch
from torch import Tensor, nn

from ..check import in_unit_interval, positive, refuse
from ..layer import Memo
from ..typing import Outputs, RowWeights, Targets
from ._base import Loss, match_numbers


@final
@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    """l_n = mean over the outputs of -y log p - (1 - y) log(1 - p) with p = sigmoid(z), in nats; z logit, y 0 or 1.

    On the logit it is y log(1 + exp(-z)) + (1 - y) log(1 + exp(z)), which never overflows and is exact at both ends:
    at z = -200, y = 1 it is 200, where a sigmoid followed by a clipped logarithm gives 100. Gradient: (p - y) / O.

    `label_smoothing` s, in [0, 1), moves the targets toward one half: y (1 - s) + s / 2 takes the place of y.
    `pos_weight` w, greater than 0, counts each yes w times: the first term is w y log p, and the gradient
    (p (w y + 1 - y) - w y) / O. It is one number, or one for each output, where several questions are asked of a row
    and the plan's `class_weight`, which weighs rows, cannot be used; no / yes of the training rows balances them. Then
    p is no longer the share of yes among rows like this one, but the share among rows so weighted.
    """

    label_smoothing: float = 0.0
    pos_weight: float | tuple[float, ...] = 1.0
    target = "yes_no"
    target_range = (0.0, 1.0)
    inverse_link = "sigmoid"
    formulas: ClassVar[Mapping[str, str]] = {
        "rows": "-y log p - (1 - y) log(1 - p)",
        "gradient": "(p - y) / {O}",
    }

    def __post_init__(self) -> None:
        in_unit_interval("label_smoothing", self.label_smoothing, "0 switches it off")
        for weight in self._weights:
            positive("pos_weight", weight, "1 counts a yes as a no")
        if not self._weights:
            raise refuse("pos_weight", self.pos_weight, "a number, or one for each output", "1 switches it off")

    def match(self, logits: Outputs, y: Targets) -> Targets:
        if len(self._weights) not in (1, logits.shape[-1]):
            expected = f"one number, or one for each of the {logits.shape[-1]} outputs"
            raise refuse("pos_weight", self.pos_weight, expected, "write for example pos_weight=5")
        return match_numbers(logits, y)

    def rows(self, logits: Outputs, y: Targets, memo: Memo) -> RowWeights:
        z, zero, y = logits, torch.zeros_like(logits), self._smooth(y)
        losses = self._weighed(y, memo) * torch.logaddexp(zero, -z) + (1 - y) * torch.logaddexp(zero, z)  # (N, O)
        return losses.flatten(1).mean(1)

    def gradient(self, logits: Outputs, y: Targets, memo: Memo) -> Outputs:
        y = self._smooth(y)
        if self.pos_weight == 1:
            return torch.sigmoid(logits).sub_(y).div_(logits[0].numel())
        yes = self._weighed(y, memo)
        return torch.sigmoid(logits).mul_(yes + 1 - y).sub_(yes).div_(logits[0].numel())

    def twin(self, reduction: Literal["mean", "none"]) -> nn.Module:
        weights = None if self.pos_weight == 1 else torch.tensor(self._weights, dtype=torch.float64)
        loss = nn.BCEWithLogitsLoss(reduction=reduction, pos_weight=weights)
        return _TorchSmoothed(self.label_smoothing, loss) if self.label_smoothing else loss

    @property
    def _weights(self) -> tuple[float, ...]:
        return tuple(self.pos_weight) if isinstance(self.pos_weight, tuple | list) else (self.pos_weight,)

    def _weighed(self, y: Targets, memo: Memo) -> Targets:
        """Y times the weight of a yes, of each output."""
        return y if self.pos_weight == 1 else y * memo.constants("pos_weight", self._weights, y)

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
