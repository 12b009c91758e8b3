"""The exponential linear unit."""

from dataclasses import dataclass
from typing import ClassVar, final

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

    uses_z: ClassVar[bool] = False
    alpha: float = 1.0

    def __post_init__(self) -> None:
        positive("alpha", self.alpha, "1 is usual")

    def value(self, z: Elements, out: Tensor | None = None) -> Elements:
        above = torch.threshold(z, 0, 0)
        return torch.add(above, torch.expm1(z - above), alpha=self.alpha, out=out)

    def derivative(self, z: Elements, a: Elements) -> Elements:
        is_above = torch.threshold(a, 0, 0).sign_()
        return a.clamp(max=0).add_(self.alpha).add_(is_above, alpha=1 - self.alpha)

    def twin(self) -> nn.Module:
        return nn.ELU(self.alpha)
