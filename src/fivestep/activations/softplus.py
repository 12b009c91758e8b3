"""Softplus, a smooth ReLU."""

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn

from ..check import positive
from ..typing import Elements
from ._base import Activation


@final
@dataclass(frozen=True)
class Softplus(Activation):
    """a = log(1 + exp(beta z)) / beta, greater than 0, with derivative sigmoid(beta z); `beta` is greater than 0.

    The larger `beta`, the closer to ReLU: at z = 0, where they differ most, by log(2) / beta. Computed as
    max(beta z, 0) + log1p(exp(-|beta z|)), which neither overflows for large z nor loses digits for small ones. Dugas
    et al. 2001, "Incorporating second-order functional knowledge for better option pricing".
    """

    beta: float = 1.0

    def __post_init__(self) -> None:
        positive("beta", self.beta, "1 is usual")

    def value(self, z: Elements, out: Tensor | None = None) -> Elements:
        return torch.div(torch.logaddexp(self.beta * z, torch.zeros_like(z)), self.beta, out=out)

    def derivative(self, z: Elements, a: Elements) -> Elements:
        return torch.sigmoid(self.beta * z)

    def twin(self) -> nn.Module:
        return nn.Softplus(self.beta, threshold=40)  # its 20 drops exp(-20) = 2e-9, which float64 still holds
