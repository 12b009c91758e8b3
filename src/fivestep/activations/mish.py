"""Mish."""

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn

from ..typing import Elements
from ._base import Activation
from .softplus import Softplus


@final
@dataclass(frozen=True)
class Mish(Activation):
    """a = z t with t = tanh(softplus(z)) and softplus(z) = log(1 + exp(z)).

    Derivative: t + z (1 - t^2) sigmoid(z), because sigmoid is the derivative of softplus. Misra 2020, "Mish: a self
    regularized non-monotonic activation function".
    """

    def value(self, z: Elements, out: Tensor | None = None) -> Elements:
        return torch.mul(z, torch.tanh(Softplus().value(z)), out=out)

    def derivative(self, z: Elements, a: Elements) -> Elements:
        t = torch.tanh(Softplus().value(z))
        return t + z * (1 - t * t) * torch.sigmoid(z)

    def twin(self) -> nn.Module:
        return nn.Mish()
