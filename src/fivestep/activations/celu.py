"""The continuously differentiable exponential linear unit."""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor, nn

from ..check import positive
from ..typing import Elements
from ._base import Activation


@final
@dataclass(frozen=True)
class CELU(Activation):
    """a = z where z > 0 and alpha (exp(z / alpha) - 1) elsewhere, so a > -alpha; `alpha` is greater than 0.

    Derivative: 1 where z > 0 and exp(z / alpha) = a / alpha + 1 elsewhere, so for every `alpha` it has no jump at 0,
    as that of `elu` has; with alpha = 1 they are the same. Barron 2017, "Continuously differentiable exponential linear
    units", equation 2.
    """

    uses_z: ClassVar[bool] = False
    alpha: float = 1.0

    def __post_init__(self) -> None:
        positive("alpha", self.alpha, "1 is usual")

    def value(self, z: Elements, out: Tensor | None = None) -> Elements:
        above = torch.threshold(z, 0, 0)
        return torch.add(above, torch.expm1((z - above) / self.alpha), alpha=self.alpha, out=out)

    def derivative(self, z: Elements, a: Elements) -> Elements:
        return a.clamp(max=0).div_(self.alpha).add_(1)

    def twin(self) -> nn.Module:
        return nn.CELU(self.alpha)
