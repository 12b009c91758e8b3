"""The sigmoid linear unit, also called swish."""

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn

from ..typing import Elements
from ._base import Activation


@final
@dataclass(frozen=True)
class SiLU(Activation):
    """a = z s with s = sigmoid(z) = 1 / (1 + exp(-z)), with derivative s + a (1 - s).

    Its least value is -0.2785, at z = -1.2785. Elfwing, Uchibe and Doya 2018, "Sigmoid-weighted linear units for
    neural network function approximation in reinforcement learning".
    """

    def value(self, z: Elements, out: Tensor | None = None) -> Elements:
        return torch.mul(z, torch.sigmoid(z), out=out)

    def derivative(self, z: Elements, a: Elements) -> Elements:
        s = torch.sigmoid(z)
        return s + a * (1 - s)

    def twin(self) -> nn.Module:
        return nn.SiLU()
