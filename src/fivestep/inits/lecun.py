"""LeCun initialization."""

import math
from dataclasses import dataclass
from typing import final

import torch

from ..typing import Elements
from ._base import Init


@final
@dataclass(frozen=True)
class LeCun(Init):
    """Weights N(0, 1 / I) with I the fan-in, which keeps the mean square through linear layers; biases 0.

    The partner of `selu`, whose mean 0 and variance 1 every layer then hands on. LeCun et al. 1998, "Efficient
    backprop", equation 16; Klambauer et al. 2017, "Self-normalizing neural networks".
    """

    def weight_(self, weight: Elements, generator: torch.Generator) -> None:
        weight.normal_(0.0, math.sqrt(1 / weight.shape[1]), generator=generator)

    def bias_(self, bias: Elements, fan_in: int, generator: torch.Generator) -> None:
        bias.zero_()
