"""The squared rectified linear unit."""

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn

from ..typing import Elements
from ._base import Activation


@final
@dataclass(frozen=True)
class ReLUSquared(Activation):
    """a = max(z, 0)^2, with derivative 2 max(z, 0): unlike ReLU's, it has no jump at 0.

    So et al. 2021, "Primer: searching for efficient transformers for language modeling".
    """

    def value(self, z: Elements, out: Tensor | None = None) -> Elements:
        return torch.square(z.clamp(min=0), out=out)

    def derivative(self, z: Elements, a: Elements) -> Elements:
        return 2 * z.clamp(min=0)

    def twin(self) -> nn.Module:
        return _TorchReLUSquared()


@final
class _TorchReLUSquared(nn.Module):  # torch has none: the formula again, for autograd to differentiate
    def forward(self, z: Tensor) -> Tensor:
        return nn.functional.relu(z) ** 2
