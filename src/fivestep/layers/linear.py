"""The linear layer."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Self, final

import torch
from torch import nn

from ..check import InputError, at_least
from ..layer import Initializer, Layer, Memo
from ..products import add_outer_, affine, back
from ..typing import Features, Inputs, Outputs, Shape, Tensors


@final
@dataclass(frozen=True)
class Linear(Layer):
    """z = x W^T + b, for every row of x: x is (*N, I), W is (O, I), b is (O,), z is (*N, O).

    With dz = dloss/dz given, the chain rule sums over the rows n:

        dloss/dW_oi = sum_n dz_no x_ni    so  dW = dz^T x     (O, I)
        dloss/db_o  = sum_n dz_no         so  db = 1^T dz     (O,)
        dloss/dx_ni = sum_o dz_no W_oi    so  dx = dz W       (*N, I)
    """

    formulas: ClassVar[Mapping[str, str]] = {
        "y": "{x} {weight}^T + {bias}",
        "dweight": "{dy}^T {x}",
        "dbias": "sum of {dy} over the rows",
        "dx": "{dy} {weight}",
    }

    remembers_y: ClassVar[bool] = False
    out_features: int
    in_features: int | None = None
    bias: bool = True

    def __post_init__(self) -> None:
        at_least("out_features", self.out_features, 1)

    def sized(self, input_shape: Shape) -> Self:
        fan_in = input_shape[-1]
        if self.in_features not in (None, fan_in):
            raise InputError(
                f"in_features must be the {fan_in} numbers that a row has at this layer, got {self.in_features}; "
                f"make it {fan_in}, or leave it out."
            )
        return replace(self, in_features=fan_in)

    def parameter_shapes(self) -> dict[str, Shape]:
        assert self.in_features is not None, "sized() comes first"
        weight: Shape = (self.out_features, self.in_features)
        bias: Shape = (self.out_features,)
        return {"weight": weight, "bias": bias} if self.bias else {"weight": weight}

    def buffer_shapes(self) -> dict[str, Shape]:
        return {}

    def check_input(self, x: Features) -> None:
        """Takes any numbers."""

    def output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], self.out_features)

    def initialize_(self, w: Tensors, init: Initializer, generator: torch.Generator) -> None:
        init.weight_(w["weight"], generator)
        if self.bias:
            init.bias_(w["bias"], w["weight"].shape[1], generator)

    def forward(self, w: Tensors, x: Inputs, memo: Memo) -> Outputs:
        rows = x.flatten(0, -2)  # (N, I): leading axes are rows too
        memo["x"] = rows
        out = memo.buffer("z", (len(rows), self.out_features), x)
        z = affine(rows, w["weight"], w["bias"] if self.bias else None, out)  # (N, O)
        return z if x.dim() == 2 else z.view(*x.shape[:-1], self.out_features)

    def backward(self, w: Tensors, dw: Tensors, dy: Outputs, memo: Memo, need_dx: bool = True) -> Inputs:
        dz, x = dy.flatten(0, -2), memo["x"]
        add_outer_(dw["weight"], dz, x)
        if self.bias:
            dw["bias"].add_(dz.sum(0))
        if not need_dx:
            return dy
        dx = back(dz, w["weight"], memo.buffer("dx", x.shape, x))
        return dx if dy.dim() == 2 else dx.view(*dy.shape[:-1], x.shape[1])

    def module(self, memo: Memo) -> nn.Module:
        assert self.in_features is not None, "sized() comes first"
        return nn.Linear(self.in_features, self.out_features, bias=self.bias)
