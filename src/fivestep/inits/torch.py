"""What `torch.nn.Linear` does."""

import math
from dataclasses import dataclass
from typing import final

import torch

from ..typing import Elements
from ._base import Init


@final
@dataclass(frozen=True)
class Torch(Init):
    """Weights and biases uniform in (-1/sqrt(I), 1/sqrt(I)), I the fan-in: `nn.Linear`'s numbers for the same seed.

    LeCun et al. 1998, "Efficient backprop", section 4.6, gives the scale; torch arrives at it as Kaiming-uniform with
    a = sqrt 5.
    """

    def weight_(self, weight: Elements, generator: torch.Generator) -> None:
        bound = 1 / math.sqrt(weight.shape[1])
        weight.uniform_(-bound, bound, generator=generator)

    def bias_(self, bias: Elements, fan_in: int, generator: torch.Generator) -> None:
        bound = 1 / math.sqrt(fan_in)
        bias.uniform_(-bound, bound, generator=generator)
