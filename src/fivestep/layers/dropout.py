"""Dropout."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor, nn

from ..check import in_unit_interval
from ..draws import BITS
from ..layer import Memo, ParameterFree
from ..typing import Elements, Shape, Tensors


@final
@dataclass(frozen=True)
class Dropout(ParameterFree):
    """In training, y = x * m / (1 - p) with m = 0 with probability p and 1 otherwise; in evaluation, y = x.

    The scale keeps the mean: E[y] = x. Backward: dx = dy * m / (1 - p). The mask is drawn outside the arithmetic, from
    (seed, step, layer), so every engine drops the same elements; p is met to within 2^-16.
    Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting".
    """

    formulas: ClassVar[Mapping[str, str]] = {
        "scaled_mask": "drawn for this step: 0 with probability p, else 1 / (1 - p)",
        "y": "{x} * {scaled_mask}",
        "dx": "{dy} * {scaled_mask}",
    }

    p: float = 0.5
    is_row_by_row: ClassVar[bool] = False

    def __post_init__(self) -> None:
        in_unit_interval("dropout", self.p, "0 switches it off")

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def forward(self, w: Tensors, x: Elements, memo: Memo) -> Elements:
        if not memo.training:
            return x
        memo["scaled_mask"] = self.scaled_mask(memo.bits(x), x)
        return torch.mul(x, memo["scaled_mask"], out=memo.buffer("y", x.shape, x))

    def backward(self, w: Tensors, dw: Tensors, dy: Elements, memo: Memo, need_dx: bool = True) -> Elements:
        return dy.mul_(memo["scaled_mask"])

    def scaled_mask(self, bits: Tensor, like: Tensor) -> Elements:
        """The mask m / (1 - p) from random bits, in the type of `like`."""
        kept: Tensor = bits > round(self.p * 2**BITS) - 1  # a p close to 1 gives 2^15, which int16 cannot hold
        return kept.to(like.dtype).div_(1 - self.p)

    def module(self, memo: Memo) -> nn.Module:
        return _DrawnDropout(self, memo)


@final
class _DrawnDropout(nn.Module):
    """`nn.Dropout` with the mask taken from `memo` instead of drawn inside, so that it is every engine's mask."""

    def __init__(self, layer: Dropout, memo: Memo) -> None:
        super().__init__()
        self.layer, self.memo = layer, memo

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        return x * self.layer.scaled_mask(self.memo.bits(x), x)
