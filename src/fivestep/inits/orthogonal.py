"""Orthogonal initialization."""

from dataclasses import dataclass
from typing import final

import torch

from ..check import positive
from ..typing import Elements
from ._base import Init


@final
@dataclass(frozen=True)
class Orthogonal(Init):
    """Weights W = gain Q, drawn evenly among the matrices with orthonormal rows (O <= I) or columns; biases 0.

    A square Q keeps every length, |Q x| = |x|, through any number of linear layers, forward and backward; normal
    weights keep it in the mean only. `gain` is greater than 0; sqrt(2) suits relu. Q is that of the QR decomposition
    of a normal matrix, its columns multiplied by the signs of the diagonal of R: otherwise the draw is not even
    (Mezzadri 2007). Saxe, McClelland and Ganguli 2014, "Exact solutions to the nonlinear dynamics of learning in deep
    linear neural networks".
    """

    gain: float = 1.0

    def __post_init__(self) -> None:
        positive("gain", self.gain, "1 is usual")

    def weight_(self, weight: Elements, generator: torch.Generator) -> None:
        drawn = torch.empty_like(weight).normal_(generator=generator)
        is_wide = weight.shape[0] < weight.shape[1]
        q, r = torch.linalg.qr(drawn.T if is_wide else drawn)  # q is tall: its columns are orthonormal
        q *= r.diag().sign()
        weight.copy_(q.T if is_wide else q).mul_(self.gain)

    def bias_(self, bias: Elements, fan_in: int, generator: torch.Generator) -> None:
        bias.zero_()
