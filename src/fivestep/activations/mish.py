"""Mish."""

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn

from ..typing import Elements
from ._base import Activation

LARGEST = 40.0
"""From here on t is 1 to the last bit, and exp(2 z) still fits into float32."""


@final
@dataclass(frozen=True)
class Mish(Activation):
    """a = z t with t = tanh(softplus(z)) and softplus(z) = log(1 + exp(z)).

    With e = exp(z) and n = e (e + 2), this is t = n / (n + 2): one exponential instead of three slow functions, and no
    difference of near numbers. Derivative: t + z (1 - t^2) sigmoid(z), because sigmoid is the derivative of softplus,
    and so t + 4 z e (e + 1) / (n + 2)^2. Misra 2020, "Mish: a self regularized non-monotonic activation function".
    """

    def value(self, z: Elements, out: Tensor | None = None) -> Elements:
        e = z.clamp(max=LARGEST).exp()
        n = e * (e + 2)
        return torch.mul(z, n / (n + 2), out=out)

    def derivative(self, z: Elements, a: Elements) -> Elements:
        e = z.clamp(max=LARGEST).exp_()
        n = (e + 2).mul_(e)
        denominator = n + 2
        slope = (e + 1).mul_(e).div_(denominator).div_(denominator).mul_(z)
        return n.div_(denominator).add_(slope, alpha=4)

    def twin(self) -> nn.Module:
        return nn.Mish()
