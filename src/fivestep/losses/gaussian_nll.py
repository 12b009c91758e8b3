"""The Gaussian negative log-likelihood: a mean and a standard deviation for each target."""

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
class GaussianNLL(Loss):
    """l_n = mean over the targets of (s + (y - m)^2 exp(-s)) / 2, in nats: -log p(y) of N(m, exp(s)).

    The network has two outputs for each target, its mean m and the logarithm s of its variance, so a prediction is a
    mean and a standard deviation exp(s / 2), which may differ from row to row: z is (N, 2 T) for T targets, m and s of
    the first target first; y is (N, T), or (N,) for one. The term log(2 pi) / 2 is left out, so the loss can be
    negative. Gradient: dl/dm = (m - y) exp(-s) / T and dl/ds = (1 - (y - m)^2 exp(-s)) / (2 T). An s below -88
    overflows in float32. torch takes the variance itself and holds it above `eps`; a logarithm needs no limit. Nix
    and Weigend 1994, "Estimating the mean and variance of the target probability distribution".

    Both are what `fivestep predict` writes, and what `MLPRegressor.predict(X, return_std=True)` gives.
    """

    target = "numbers"
    inverse_link = "normal"
    outputs_per_target = 2
    output_names = ("mean", "std")
    spreads = (False, True)

    def match(self, logits: Outputs, y: Targets) -> Targets:
        if logits.shape[-1] % 2:
            raise refuse("out_features", logits.shape[-1], "two for each target of gaussian_nll", "take an even number")
        return match_numbers(logits[..., ::2], y).repeat_interleave(2, -1)  # beside the mean and beside the variance

    def rows(self, logits: Outputs, y: Targets, memo: Memo) -> RowWeights:
        m, s, y = logits[..., ::2], logits[..., 1::2], y[..., ::2]
        return ((s + (y - m).square() * torch.exp(-s)) / 2).flatten(1).mean(1)

    def gradient(self, logits: Outputs, y: Targets, memo: Memo) -> Outputs:
        m, s, y = logits[..., ::2], logits[..., 1::2], y[..., ::2]
        e, precision = m - y, torch.exp(-s)
        dm, ds = e * precision, (1 - e.square() * precision) / 2
        return torch.stack([dm, ds], -1).flatten(-2).div_(logits[0].numel() // 2)

    def twin(self, reduction: Literal["mean", "none"]) -> nn.Module:
        return _TorchGaussianNLL(reduction)


@final
class _TorchGaussianNLL(nn.Module):  # torch's, of a mean and a variance side by side
    def __init__(self, reduction: Literal["mean", "none"]) -> None:
        super().__init__()
        self.loss = nn.GaussianNLLLoss(reduction=reduction, eps=torch.finfo(torch.float64).tiny)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        losses: Tensor = self.loss(z[..., ::2], y[..., ::2], z[..., 1::2].exp())
        return losses
