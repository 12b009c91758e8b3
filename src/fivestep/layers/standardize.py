"""Numbers moved to mean 0 and deviation 1 by two constants."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor, nn

from ..check import finite, positive
from ..layer import Memo, ParameterFree
from ..typing import Elements, Shape, Tensors


@final
@dataclass(frozen=True)
class Standardize(ParameterFree):
    """y = (x - m) / s with one mean m and one deviation s for all features; nothing is learned.

    As the first layer of a network for images, it makes the preparation of the pixels a part of the model, which so is
    saved, exported and applied with it. Backward: dx = dy / s.
    """

    formulas: ClassVar[Mapping[str, str]] = {
        "y": "({x} - mean) / std",
        "dx": "{dy} / std",
    }

    mean: float = 0.0
    std: float = 1.0

    def __post_init__(self) -> None:
        finite("mean", self.mean, "0 moves nothing")
        positive("std", self.std, "1 scales nothing")

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def forward(self, w: Tensors, x: Elements, memo: Memo) -> Elements:
        y = torch.sub(x, self.mean, out=memo.buffer("y", x.shape, x))
        return torch.div(y, self.std, out=memo.buffer("y", x.shape, x))

    def backward(self, w: Tensors, dw: Tensors, dy: Elements, memo: Memo, need_dx: bool = True) -> Elements:
        return dy.div_(self.std) if need_dx else dy

    def module(self, memo: Memo) -> nn.Module:
        return _TorchStandardize(self.mean, self.std)


@final
class _TorchStandardize(nn.Module):  # torch has no such layer: one affine normalization with the statistics given
    def __init__(self, mean: float, std: float) -> None:
        super().__init__()
        self.mean, self.std = mean, std

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.std
