"""The logistic function."""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor, nn

from ..typing import Elements
from ._base import Activation


@final
@dataclass(frozen=True)
class Sigmoid(Activation):
    """a = 1 / (1 + exp(-z)), in (0, 1), with derivative a (1 - a).

    Rumelhart, Hinton and Williams 1986, "Learning representations by back-propagating errors", equation 2.
    """

    uses_z: ClassVar[bool] = False

    def value(self, z: Elements, out: Tensor | None = None) -> Elements:
        return torch.sigmoid(z, out=out)

    def derivative(self, z: Elements, a: Elements) -> Elements:
        return a * (1 - a)

    def twin(self) -> nn.Module:
        return nn.Sigmoid()
