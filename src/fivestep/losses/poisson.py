"""The Poisson loss for counts, on the logarithm of the rate."""

import math
from dataclasses import dataclass
from typing import Literal, final

import torch
from torch import nn

from ..layer import Memo
from ..typing import Outputs, RowWeights, Targets
from ._base import Loss, match_numbers


@final
@dataclass(frozen=True)
class Poisson(Loss):
    """l_n = mean over the outputs of exp(z) - y z, in nats: -log P(y) of a Poisson variable with the rate exp(z).

    z, the log-rate, and y, a count or a rate of at least 0, are (N, O). The term log(y!) is left out: it does not
    depend on z, so the loss can be negative. Gradient: (exp(z) - y) / O. Its least value is at exp(z) = y; a z above
    88 overflows in float32. McCullagh and Nelder 1989, "Generalized linear models", section 6.2.
    """

    target = "numbers"
    target_range = (0.0, math.inf)
    inverse_link = "exp"

    def match(self, logits: Outputs, y: Targets) -> Targets:
        return match_numbers(logits, y)

    def rows(self, logits: Outputs, y: Targets, memo: Memo) -> RowWeights:
        return (torch.exp(logits) - y * logits).flatten(1).mean(1)

    def gradient(self, logits: Outputs, y: Targets, memo: Memo) -> Outputs:
        return torch.exp(logits).sub_(y).div_(logits[0].numel())

    def twin(self, reduction: Literal["mean", "none"]) -> nn.Module:
        return nn.PoissonNLLLoss(log_input=True, full=False, reduction=reduction)
