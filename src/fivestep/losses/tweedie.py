"""The Tweedie loss for amounts that are often exactly 0, on the logarithm of the mean."""

import math
from dataclasses import dataclass
from typing import Literal, final

import torch
from torch import Tensor, nn

from ..check import refuse
from ..layer import Memo
from ..typing import Outputs, RowWeights, Targets
from ._base import Loss, match_numbers


@final
@dataclass(frozen=True)
class Tweedie(Loss):
    """l_n = mean over the outputs of y exp(-(p - 1) z) / (p - 1) + exp((2 - p) z) / (2 - p), with the power p.

    Up to terms without z and a factor, -log P(y) of a Poisson number of gamma amounts with the mean exp(z) and a
    variance in proportion to mean^p: claims and rainfall, often 0 and else spread widely. z, the log-mean, and y, at
    least 0, are (N, O); `power` lies in (1, 2), whose ends are `poisson` and `gamma`. Gradient:
    (exp((2 - p) z) - y exp(-(p - 1) z)) / O, 0 at exp(z) = y. Jorgensen 1987, "Exponential dispersion models".
    """

    power: float = 1.5
    target = "numbers"
    target_range = (0.0, math.inf)
    inverse_link = "exp"

    def __post_init__(self) -> None:
        if isinstance(self.power, bool) or not isinstance(self.power, int | float) or not 1 < self.power < 2:
            raise refuse("power", self.power, "a number in (1, 2)", "1.5 is usual, poisson and gamma are its ends")

    def match(self, logits: Outputs, y: Targets) -> Targets:
        return match_numbers(logits, y)

    def rows(self, logits: Outputs, y: Targets, memo: Memo) -> RowWeights:
        below, above = self.power - 1, 2 - self.power
        losses = y * torch.exp(-below * logits) / below + torch.exp(above * logits) / above
        return losses.flatten(1).mean(1)

    def gradient(self, logits: Outputs, y: Targets, memo: Memo) -> Outputs:
        fall = torch.exp((1 - self.power) * logits).mul_(y)
        return torch.exp((2 - self.power) * logits).sub_(fall).div_(logits[0].numel())

    def twin(self, reduction: Literal["mean", "none"]) -> nn.Module:
        return _TorchTweedie(self.power, reduction)


@final
class _TorchTweedie(nn.Module):  # torch has none: the deviance's two powers of the mean, for autograd to differentiate
    def __init__(self, power: float, reduction: Literal["mean", "none"]) -> None:
        super().__init__()
        self.power, self.reduction = power, reduction

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        mean, p = z.exp(), self.power
        losses = mean ** (2 - p) / (2 - p) - y * mean ** (1 - p) / (1 - p)
        return losses.mean() if self.reduction == "mean" else losses
