"""Small normal weights."""

from dataclasses import dataclass
from typing import final

import torch

from ..check import positive
from ..typing import Elements
from ._base import Init


@final
@dataclass(frozen=True)
class Normal(Init):
    """Weights N(0, std^2), 0.01 by default; biases 0."""

    std: float = 0.01

    def __post_init__(self) -> None:
        positive("std", self.std, "0.01 is usual")

    def weight_(self, weight: Elements, generator: torch.Generator) -> None:
        weight.normal_(0.0, self.std, generator=generator)

    def bias_(self, bias: Elements, fan_in: int, generator: torch.Generator) -> None:
        bias.zero_()
