"""The scaled exponential linear unit."""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor, nn

from ..typing import Elements
from ._base import Activation
from .elu import ELU

ALPHA = 1.6732632423543772848170429916717
SCALE = 1.0507009873554804934193349852946
"""The solution of E[a] = 0 and E[a^2] = 1 for a standard normal z."""


@final
@dataclass(frozen=True)
class SELU(Activation):
    """a = s z where z > 0 and s alpha (exp(z) - 1) elsewhere, with s = 1.0507 and alpha = 1.6733.

    With these two numbers and weights of mean 0 and variance 1/I (init `lecun`), mean 0 and variance 1 are what every
    layer hands on and what deeper layers return to. Derivative: s where z > 0 and s alpha exp(z) = a + s alpha
    elsewhere. Klambauer et al. 2017, "Self-normalizing neural networks", equation 2.
    """

    uses_z: ClassVar[bool] = False

    def value(self, z: Elements, out: Tensor | None = None) -> Elements:
        return torch.mul(ELU(ALPHA).value(z), SCALE, out=out)

    def derivative(self, z: Elements, a: Elements) -> Elements:
        is_above = torch.threshold(a, 0, 0).sign_()
        return a.clamp(max=0).add_(SCALE * ALPHA).add_(is_above, alpha=SCALE - SCALE * ALPHA)

    def twin(self) -> nn.Module:
        return nn.SELU()
