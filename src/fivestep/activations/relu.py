"""The rectified linear unit."""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor, nn

from ..typing import Elements
from ._base import Activation


@final
@dataclass(frozen=True)
class ReLU(Activation):
    """a = max(z, 0), with derivative 1 where z > 0 and 0 elsewhere (0 is taken at z = 0, as in torch).

    Nair and Hinton 2010, "Rectified linear units improve restricted Boltzmann machines".
    """

    uses_z: ClassVar[bool] = False

    def value(self, z: Elements, out: Tensor | None = None) -> Elements:
        return torch.threshold(z, 0, 0, out=out)  # torch.clamp has the derivative 1 at 0

    def derivative(self, z: Elements, a: Elements) -> Elements:
        return a.sign()  # four times cheaper than a > 0, which makes booleans first (benchmarks/fashion_mnist.py)

    def twin(self) -> nn.Module:
        return nn.ReLU()
