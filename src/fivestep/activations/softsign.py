"""Softsign, which comes to its bounds slowly."""

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn

from ..typing import Elements
from ._base import Activation


@final
@dataclass(frozen=True)
class Softsign(Activation):
    """a = z / (1 + |z|), in (-1, 1), with derivative 1 / (1 + |z|)^2 = (1 - |a|)^2.

    Like `tanh`, but its derivative falls as 1 / z^2 and not as exp(-2 |z|), so units far out still learn. Bergstra,
    Desjardins, Lamblin and Bengio 2009, "Quadratic polynomials learn better image features".
    """

    def value(self, z: Elements, out: Tensor | None = None) -> Elements:
        return torch.div(z, 1 + z.abs(), out=out)

    def derivative(self, z: Elements, a: Elements) -> Elements:
        return z.abs().add_(1).square_().reciprocal_()  # from a, which rounds to 1, it would lose its digits

    def twin(self) -> nn.Module:
        return nn.Softsign()
