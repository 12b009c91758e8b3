"""The Gaussian error linear unit, exact form."""

import math
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn

from ..typing import Elements
from ._base import Activation


@final
@dataclass(frozen=True)
class GELU(Activation):
    """a = z Phi(z) with the normal distribution function Phi(z) = (1 + erf(z / sqrt 2)) / 2.

    Derivative: Phi(z) + z phi(z), where phi(z) = exp(-z^2 / 2) / sqrt(2 pi) is the normal density.
    Hendrycks and Gimpel 2016, "Gaussian error linear units".
    """

    def value(self, z: Elements, out: Tensor | None = None) -> Elements:
        return torch.mul(z, _normal_cdf(z), out=out)

    def derivative(self, z: Elements, a: Elements) -> Elements:
        density = torch.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
        return _normal_cdf(z) + z * density

    def twin(self) -> nn.Module:
        return nn.GELU()


def _normal_cdf(z: Elements) -> Elements:
    return 0.5 * (1 + torch.erf(z / math.sqrt(2)))
