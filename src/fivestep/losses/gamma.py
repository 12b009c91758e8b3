"""The gamma loss for amounts above 0, on the logarithm of the mean."""

import math
from dataclasses import dataclass
from typing import Literal, final

import torch
from torch import Tensor, nn

from ..layer import Memo
from ..typing import Outputs, RowWeights, Targets
from ._base import ABOVE_ZERO, Loss, match_numbers


@final
@dataclass(frozen=True)
class Gamma(Loss):
    """l_n = mean over the outputs of z + y exp(-z): -log p(y) of a gamma variable with the mean exp(z), in nats.

    For amounts whose spread grows with their mean, as costs and durations: a prediction ten percent off costs the same
    at 1 and at 1000. z, the log-mean, and y, greater than 0, are (N, O). Left out are the shape, which only scales the
    loss, and what does not depend on z. Gradient: (1 - y exp(-z)) / O. Its least value is at exp(z) = y. McCullagh and
    Nelder 1989, "Generalized linear models", chapter 8.
    """

    target = "numbers"
    target_range = (ABOVE_ZERO, math.inf)
    inverse_link = "exp"

    def match(self, logits: Outputs, y: Targets) -> Targets:
        return match_numbers(logits, y)

    def rows(self, logits: Outputs, y: Targets, memo: Memo) -> RowWeights:
        return (logits + y * torch.exp(-logits)).flatten(1).mean(1)

    def gradient(self, logits: Outputs, y: Targets, memo: Memo) -> Outputs:
        return torch.exp(-logits).mul_(y).neg_().add_(1).div_(logits[0].numel())

    def twin(self, reduction: Literal["mean", "none"]) -> nn.Module:
        return _TorchGamma(reduction)


@final
class _TorchGamma(nn.Module):  # torch has the density only: that of shape 1, whose terms without z are none
    def __init__(self, reduction: Literal["mean", "none"]) -> None:
        super().__init__()
        self.reduction = reduction

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        losses: Tensor = -torch.distributions.Exponential(torch.exp(-z), validate_args=False).log_prob(y)
        return losses.mean() if self.reduction == "mean" else losses
