"""The Gaussian error linear unit, tanh approximation."""

import math
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn

from ..typing import Elements
from ._base import Activation

SLOPE = math.sqrt(2 / math.pi)
CUBIC = 0.044715


@final
@dataclass(frozen=True)
class GELUTanh(Activation):
    """a = z (1 + t) / 2 with t = tanh(u) and u = sqrt(2/pi) (z + 0.044715 z^3): `gelu` to within 0.0005.

    Derivative: (1 + t) / 2 + z (1 - t^2) u' / 2 with u' = sqrt(2/pi) (1 + 3 * 0.044715 z^2). GPT-2 and many models
    after it were trained with this form. Hendrycks and Gimpel 2016, "Gaussian error linear units", section 2.
    """

    def value(self, z: Elements, out: Tensor | None = None) -> Elements:
        return torch.mul(z, 0.5 * (1 + _t(z)), out=out)

    def derivative(self, z: Elements, a: Elements) -> Elements:
        t = _t(z)
        du = SLOPE * (1 + 3 * CUBIC * z * z)
        return 0.5 * (1 + t) + 0.5 * z * (1 - t * t) * du

    def twin(self) -> nn.Module:
        return nn.GELU(approximate="tanh")


def _t(z: Elements) -> Elements:
    return torch.tanh(SLOPE * (z + CUBIC * z * z * z))
