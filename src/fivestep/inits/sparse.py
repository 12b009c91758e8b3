"""Sparse initialization."""

import math
from dataclasses import dataclass
from typing import final

import torch

from ..check import in_unit_interval, positive
from ..typing import Elements
from ._base import Init


@final
@dataclass(frozen=True)
class Sparse(Init):
    """Weights N(0, std^2), of which a share `sparsity` of each column is 0, rounded up to whole units; biases 0.

    A column of W (O, I) holds the weights that leave one input, so each input feeds (1 - sparsity) O units. `sparsity`
    lies in [0, 1); a layer with a single unit loses all its weights unless it is 0. Martens 2010, "Deep learning via
    Hessian-free optimization", section 5, limits the weights that arrive at a unit instead; this is torch's form of
    it, drawn from the generator alone (torch takes the places from its global stream).
    """

    sparsity: float = 0.1
    std: float = 0.01

    def __post_init__(self) -> None:
        in_unit_interval("sparsity", self.sparsity, "0.1 is usual")
        positive("std", self.std, "0.01 is usual")

    def weight_(self, weight: Elements, generator: torch.Generator) -> None:
        weight.normal_(0.0, self.std, generator=generator)
        num_units = weight.shape[0]
        num_zeros = math.ceil(self.sparsity * num_units)
        for column in weight.T:
            column[torch.randperm(num_units, generator=generator)[:num_zeros]] = 0

    def bias_(self, bias: Elements, fan_in: int, generator: torch.Generator) -> None:
        bias.zero_()
