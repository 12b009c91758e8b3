"""The hyperbolic tangent."""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor, nn

from ..typing import Elements
from ._base import Activation


@final
@dataclass(frozen=True)
class Tanh(Activation):
    """a = tanh(z), in (-1, 1), with derivative 1 - a^2.

    It is 2 sigmoid(2 z) - 1, so its mean is 0 where that of z is. LeCun et al. 1998, "Efficient backprop", section 4.4.
    """

    uses_z: ClassVar[bool] = False

    def value(self, z: Elements, out: Tensor | None = None) -> Elements:
        return torch.tanh(z, out=out)

    def derivative(self, z: Elements, a: Elements) -> Elements:
        return 1 - a * a

    def twin(self) -> nn.Module:
        return nn.Tanh()
