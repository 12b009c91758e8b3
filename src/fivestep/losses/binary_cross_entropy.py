"""The binary cross-entropy on logits."""

from dataclasses import dataclass
from typing import Literal, final

import torch
from torch import nn

from ..layer import Memo
from ..typing import Outputs, RowWeights, Targets
from ._base import Loss, match_numbers


@final
@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    """l_n = mean over the outputs of -y log s - (1 - y) log(1 - s) with s = sigmoid(z), in nats; z logit, y 0 or 1.

    On the logit it is y log(1 + exp(-z)) + (1 - y) log(1 + exp(z)), which never overflows and is exact at both ends:
    at z = -200, y = 1 it is 200, where a sigmoid followed by a clipped logarithm gives 100. Gradient: (sigmoid(z) -
    y) / O.
    """

    target = "yes_no"
    inverse_link = "sigmoid"

    def match(self, logits: Outputs, y: Targets) -> Targets:
        return match_numbers(logits, y)

    def rows(self, logits: Outputs, y: Targets, memo: Memo) -> RowWeights:
        z, zero = logits, torch.zeros_like(logits)
        losses = y * torch.logaddexp(zero, -z) + (1 - y) * torch.logaddexp(zero, z)  # (N, O)
        return losses.flatten(1).mean(1)

    def gradient(self, logits: Outputs, y: Targets, memo: Memo) -> Outputs:
        return torch.sigmoid(logits).sub_(y).div_(logits[0].numel())

    def twin(self, reduction: Literal["mean", "none"]) -> nn.Module:
        return nn.BCEWithLogitsLoss(reduction=reduction)
