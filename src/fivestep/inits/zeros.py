"""Zero weights."""

from dataclasses import dataclass
from typing import final

import torch

from ..typing import Elements
from ._base import Init


@final
@dataclass(frozen=True)
class Zeros(Init):
    """Weights 0 and biases 0.

    Right for one layer: the losses of linear and softmax regression are convex, so any start will do. Wrong for more:
    all units of a hidden layer get the same gradient at every step and remain one unit, and with relu or tanh, which
    are 0 at 0, nothing but the last bias ever moves.
    """

    def weight_(self, weight: Elements, generator: torch.Generator) -> None:
        weight.zero_()

    def bias_(self, bias: Elements, fan_in: int, generator: torch.Generator) -> None:
        bias.zero_()
