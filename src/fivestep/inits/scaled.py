"""Another scheme's initial values, times a factor."""

from dataclasses import dataclass
from typing import final

import torch

from ..check import one_of, positive
from ..find import Choice, build, names
from ..typing import Elements
from ._base import Init


@final
@dataclass(frozen=True)
class Scaled(Init):
    """Weights and biases of the scheme `of`, "torch" by default, each times `factor`, greater than 0: w = factor w_of.

    The draws are those of the other scheme, so with factor 1 the numbers are too.
    """

    of: str = "torch"
    factor: float = 1.0

    def __post_init__(self) -> None:
        one_of("of", Choice.parse(str(self.of)).name, [name for name in names("inits") if name != "scaled"])
        positive("factor", self.factor, "1 changes nothing")

    def weight_(self, weight: Elements, generator: torch.Generator) -> None:
        self._other().weight_(weight, generator)
        weight.mul_(self.factor)

    def bias_(self, bias: Elements, fan_in: int, generator: torch.Generator) -> None:
        self._other().bias_(bias, fan_in, generator)
        bias.mul_(self.factor)

    def _other(self) -> Init:
        other: Init = build("inits", str(self.of))
        return other
