"""Kaiming (He) initialisation."""

import math
from dataclasses import dataclass
from typing import final

import torch

from ..typing import Elements
from ._base import Init


@final
@dataclass(frozen=True)
class Kaiming(Init):
    """Weights N(0, 2 / I) with I the fan-in, which keeps the mean square of activations through ReLU layers; biases 0.

    He et al. 2015, "Delving deep into rectifiers", equation 10.
    """

    def weight_(self, weight: Elements, generator: torch.Generator) -> None:
        weight.normal_(0.0, math.sqrt(2 / weight.shape[1]), generator=generator)

    def bias_(self, bias: Elements, fan_in: int, generator: torch.Generator) -> None:
        bias.zero_()
