"""The exponential linear unit."""

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn

from ..check import positive
from ..typing import Elements
from ._base import Activation


@final
@dataclass(frozen=True)
class ELU(Activation):
    """a = z where z > 0 and alpha (exp(z) - 1) elsewhere, so a > -alpha; `alpha` is greater than 0.

    Derivative: 1 where z > 0 and alpha exp(z) = a + alpha elsewhere (`alpha` at z = 0, as in torch). Clevert,
    Unterthiner and Hochreiter 2016, "Fast and accurate deep network learning by exponential linear units", equation 15.
    """

    alpha: float = 1.0

    def __post_init__(self) -> None:
        positive("alpha", self.alpha, "1 is usual")

    def value(self, z: Elements, out: Tensor | None = None) -> Elements:
        below = torch.expm1(z.clamp(max=0))  # without the clamp, autograd multiplies an infinite exp(z) with zero
        return torch.where(z > 0, z, self.alpha * below, out=out)

    def derivative(self, z: Elements, a: Elements) -> Elements:
        return (a + self.alpha).masked_fill_(z > 0, 1.0)

    def twin(self) -> nn.Module:
        return nn.ELU(self.alpha)
