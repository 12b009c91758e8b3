"""Hard tanh, a straight line between two bounds."""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor, nn

from ..check import finite, refuse
from ..typing import Elements
from ._base import Activation


@final
@dataclass(frozen=True)
class Hardtanh(Activation):
    """a = min(max(z, min_val), max_val), with derivative 1 between the two bounds and 0 elsewhere.

    `min_val` is less than `max_val`. At the bounds themselves the derivative is 0, as in torch. Collobert 2004, "Large
    scale machine learning", section 7.1.
    """

    uses_z: ClassVar[bool] = False
    min_val: float = -1.0
    max_val: float = 1.0

    def __post_init__(self) -> None:
        finite("min_val", self.min_val, "-1 is usual")
        finite("max_val", self.max_val, "1 is usual")
        if self.min_val >= self.max_val:
            raise refuse("max_val", self.max_val, f"greater than min_val={self.min_val}", "-1 and 1 are usual")

    def value(self, z: Elements, out: Tensor | None = None) -> Elements:
        if out is None:  # torch.clamp has the derivative 1 at both ends
            return nn.functional.hardtanh(z, self.min_val, self.max_val)
        return torch.clamp(z, self.min_val, self.max_val, out=out)

    def derivative(self, z: Elements, a: Elements) -> Elements:
        return ((a > self.min_val) & (a < self.max_val)).to(a.dtype)

    def twin(self) -> nn.Module:
        return nn.Hardtanh(self.min_val, self.max_val)
