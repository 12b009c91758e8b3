"""Hard sigmoid, a straight line between 0 and 1."""

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn
from torch.nn.functional import relu6

from ..typing import Elements
from ._base import Activation


@final
@dataclass(frozen=True)
class Hardsigmoid(Activation):
    """a = min(max(z + 3, 0), 6) / 6: 0 below -3, 1 above 3, and z / 6 + 1/2 between.

    Derivative: 1/6 between and 0 elsewhere (at both ends too, as in torch). `hardswish` is z times this. Courbariaux,
    Bengio and David 2015, "BinaryConnect", equation 3, with a gentler slope.
    """

    def value(self, z: Elements, out: Tensor | None = None) -> Elements:
        return torch.div(relu6(z + 3), 6, out=out)  # torch.clamp has the derivative 1 at both ends

    def derivative(self, z: Elements, a: Elements) -> Elements:
        return (3 - z.abs()).sign_().clamp_(min=0).div_(6)

    def twin(self) -> nn.Module:
        return _TorchHardsigmoid()


@final
class _TorchHardsigmoid(nn.Module):  # torch 2.13 rounds the sixth in the derivative of its own to float32, always
    def forward(self, z: Tensor) -> Tensor:
        return relu6(z + 3) / 6
