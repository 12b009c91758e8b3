"""The leaky rectified linear unit."""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor, nn

from ..check import in_unit_interval
from ..typing import Elements
from ._base import Activation


@final
@dataclass(frozen=True)
class LeakyReLU(Activation):
    """a = z where z > 0 and slope z elsewhere, with derivative 1 and `slope`; `slope` lies in [0, 1).

    A unit that is below zero for every row still has a gradient, so it cannot die. At z = 0 the derivative is `slope`,
    as in torch. Maas, Hannun and Ng 2013, "Rectifier nonlinearities improve neural network acoustic models", section
    2.
    """

    uses_z: ClassVar[bool] = False
    slope: float = 0.01

    def __post_init__(self) -> None:
        in_unit_interval("slope", self.slope, "0.01 is usual")

    def value(self, z: Elements, out: Tensor | None = None) -> Elements:
        above = torch.threshold(z, 0, 0)  # torch.where is many times slower (benchmarks/activations.py)
        return torch.add(above, z - above, alpha=self.slope, out=out)

    def derivative(self, z: Elements, a: Elements) -> Elements:
        return a.sign().clamp_(min=self.slope)  # a has the sign of z, or is 0

    def twin(self) -> nn.Module:
        return nn.LeakyReLU(self.slope)
