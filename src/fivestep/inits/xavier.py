"""Xavier (Glorot) initialisation."""

import math
from dataclasses import dataclass
from typing import final

import torch

from ..typing import Elements
from ._base import Init


@final
@dataclass(frozen=True)
class Xavier(Init):
    """Weights uniform in (-b, b) with b = sqrt(6 / (I + O)), a variance of 2 / (I + O) between both fans; biases 0.

    Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks", equation 16.
    """

    def weight_(self, weight: Elements, generator: torch.Generator) -> None:
        fan_out, fan_in = weight.shape
        bound = math.sqrt(6 / (fan_in + fan_out))
        weight.uniform_(-bound, bound, generator=generator)

    def bias_(self, bias: Elements, fan_in: int, generator: torch.Generator) -> None:
        bias.zero_()
