"""Hard swish, a piecewise polynomial in place of `silu`."""

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn
from torch.nn.functional import relu6

from ..typing import Elements
from ._base import Activation


@final
@dataclass(frozen=True)
class Hardswish(Activation):
    """a = z min(max(z + 3, 0), 6) / 6: 0 below -3, z above 3, and z (z + 3) / 6 between.

    Derivative: 0, 1 and (2 z + 3) / 6 (0 at z = -3 and 1 at z = 3, as in torch). Howard et al. 2019, "Searching for
    MobileNetV3", section 5.2.
    """

    def value(self, z: Elements, out: Tensor | None = None) -> Elements:
        return torch.mul(z, relu6(z + 3) / 6, out=out)  # torch.clamp has the derivative 1 at both ends

    def derivative(self, z: Elements, a: Elements) -> Elements:
        is_between = (3 - z.abs()).sign_().clamp_(min=0)
        return (relu6(z + 3) + z * is_between) / 6

    def twin(self) -> nn.Module:
        return nn.Hardswish()
