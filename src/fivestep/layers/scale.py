"""A learned scale for each feature."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor, nn

from ..layer import Memo
from ..typing import Inputs, Shape, Tensors
from ._norm import Norm


@final
@dataclass(frozen=True)
class Scale(Norm):
    """y = g x with one factor g_i for each feature, which begins as 1: x and y are (*N, I), the weight g is (I,).

    A diagonal matrix. In front of a network, and with a learning rate of its own, it lets training find out which
    features matter. dg = sum over the rows of dy x, and dx = dy g.
    Holzmueller, Grinsztajn and Steinwart 2024, "Better by default: strong pre-tuned MLPs and boosted trees on tabular
    data", section 3, the scaling layer.
    """

    formulas: ClassVar[Mapping[str, str]] = {
        "y": "{x} * {weight}",
        "dweight": "sum of {dy} * {x} over the rows",
        "dx": "{dy} * {weight}",
    }

    def parameter_shapes(self) -> dict[str, Shape]:
        return {"weight": (self.features,)}

    def buffer_shapes(self) -> dict[str, Shape]:
        return {}

    def forward(self, w: Tensors, x: Inputs, memo: Memo) -> Inputs:
        memo["x"] = x
        return torch.mul(x, w["weight"], out=memo.buffer("y", x.shape, x))

    def backward(self, w: Tensors, dw: Tensors, dy: Inputs, memo: Memo, need_dx: bool = True) -> Inputs:
        dw["weight"].add_((dy * memo["x"]).flatten(0, -2).sum(0))
        return dy.mul_(w["weight"])

    def module(self, memo: Memo) -> nn.Module:
        return _TorchScale(self.features)


@final
class _TorchScale(nn.Module):  # torch has no such layer: the formula again, for autograd to differentiate
    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(num_features))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight
