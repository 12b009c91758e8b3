"""Kaiming (He) initialization."""

import math
from dataclasses import dataclass
from typing import final

import torch

from ..check import one_of
from ..typing import Elements
from ._base import Init
from ._distribution import DISTRIBUTIONS, fill_


@final
@dataclass(frozen=True)
class Kaiming(Init):
    """Weights N(0, 2 / I) with I the fan-in, which keeps the mean square of activations through ReLU layers; biases 0.

    With `mode` "fan_out" it is 2 / O, which keeps that of the gradients instead. With `distribution` "uniform" the
    weights are uniform in (-b, b) with b = sqrt(6 / I), of the same variance. He et al. 2015, "Delving deep into
    rectifiers", equations 10 and 14.
    """

    mode: str = "fan_in"
    distribution: str = "normal"

    def __post_init__(self) -> None:
        one_of("mode", str(self.mode), ("fan_in", "fan_out"))
        one_of("distribution", str(self.distribution), DISTRIBUTIONS)

    def weight_(self, weight: Elements, generator: torch.Generator) -> None:
        fan_out, fan_in = weight.shape
        fill_(weight, math.sqrt(2 / (fan_in if self.mode == "fan_in" else fan_out)), self.distribution, generator)

    def bias_(self, bias: Elements, fan_in: int, generator: torch.Generator) -> None:
        bias.zero_()
