"""Xavier (Glorot) initialization."""

import math
from dataclasses import dataclass
from typing import final

import torch

from ..check import one_of, positive
from ..typing import Elements
from ._base import Init
from ._distribution import DISTRIBUTIONS, fill_


@final
@dataclass(frozen=True)
class Xavier(Init):
    """Weights uniform in (-b, b) with b = sqrt(6 / (I + O)), a variance of 2 / (I + O) between both fans; biases 0.

    With `distribution` "normal" they are N(0, 2 / (I + O)). `gain`, greater than 0, multiplies both; torch suggests 5/3
    for tanh. Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks",
    equations 12 and 16.
    """

    distribution: str = "uniform"
    gain: float = 1.0

    def __post_init__(self) -> None:
        one_of("distribution", str(self.distribution), DISTRIBUTIONS)
        positive("gain", self.gain, "1 is usual")

    def weight_(self, weight: Elements, generator: torch.Generator) -> None:
        fan_out, fan_in = weight.shape
        fill_(weight, self.gain * math.sqrt(2 / (fan_in + fan_out)), self.distribution, generator)

    def bias_(self, bias: Elements, fan_in: int, generator: torch.Generator) -> None:
        bias.zero_()
