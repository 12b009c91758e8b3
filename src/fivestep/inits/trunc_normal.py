"""Small normal weights without outliers."""

from dataclasses import dataclass
from typing import final

import torch
from torch import nn

from ..check import positive
from ..typing import Elements
from ._base import Init


@final
@dataclass(frozen=True)
class TruncNormal(Init):
    """Weights N(0, std^2) within two `std` of 0, what lies outside drawn again; `std` is 0.02 by default; biases 0.

    Their own deviation is 0.8796 std. That of BERT and of vision transformers: Devlin et al. 2019, "BERT: pre-training
    of deep bidirectional transformers for language understanding", in its published code.
    """

    std: float = 0.02

    def __post_init__(self) -> None:
        positive("std", self.std, "0.02 is usual")

    def weight_(self, weight: Elements, generator: torch.Generator) -> None:
        nn.init.trunc_normal_(weight, 0.0, self.std, -2 * self.std, 2 * self.std, generator=generator)

    def bias_(self, bias: Elements, fan_in: int, generator: torch.Generator) -> None:
        bias.zero_()
