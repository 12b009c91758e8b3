"""Uniform weights."""

from dataclasses import dataclass
from typing import final

import torch

from ..check import positive
from ..typing import Elements
from ._base import Init


@final
@dataclass(frozen=True)
class Uniform(Init):
    """Weights uniform in (-bound, bound), a variance of bound^2 / 3; biases 0.

    The bound does not know the fan-in I: each linear layer multiplies the mean square by I bound^2 / 3, so signals
    keep their size only where bound = sqrt(3 / I), which is what `lecun` does with normal weights. The default 0.05 is
    that of Keras.
    """

    bound: float = 0.05

    def __post_init__(self) -> None:
        positive("bound", self.bound, "0.05 is usual")

    def weight_(self, weight: Elements, generator: torch.Generator) -> None:
        weight.uniform_(-self.bound, self.bound, generator=generator)

    def bias_(self, bias: Elements, fan_in: int, generator: torch.Generator) -> None:
        bias.zero_()
