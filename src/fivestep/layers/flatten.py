"""All axes of a row as one."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, final

from torch import nn

from ..layer import Memo, ParameterFree
from ..typing import Elements, Shape, Tensors


@final
@dataclass(frozen=True)
class Flatten(ParameterFree):
    """The output y (N, T d) holds the numbers of x (N, T, d) in the same order; a table stays as it is.

    Backward gives dy the shape of x. It stands between layers that work on each token and those that see the whole
    row, as after an embedding.
    """

    formulas: ClassVar[Mapping[str, str]] = {
        "y": "the numbers of {x} in one row",
        "dx": "{dy} in the shape of {x}",
    }

    def output_shape(self, input_shape: Shape) -> Shape:
        return (math.prod(input_shape),)

    def forward(self, w: Tensors, x: Elements, memo: Memo) -> Elements:
        memo["x"] = x
        return x.flatten(1)

    def backward(self, w: Tensors, dw: Tensors, dy: Elements, memo: Memo, need_dx: bool = True) -> Elements:
        return dy.reshape(memo["x"].shape)

    def module(self, memo: Memo) -> nn.Module:
        return nn.Flatten()
