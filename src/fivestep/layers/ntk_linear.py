"""The linear layer in the parametrization of the neural tangent kernel."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Self, final

import torch
from torch import Tensor, nn

from ..check import at_least
from ..layer import Initializer, Layer, Memo
from ..products import add_outer_, affine, back
from ..typing import Features, Inputs, Outputs, Shape, Tensors
from .linear import Linear


@final
@dataclass(frozen=True)
class NTKLinear(Layer):
    """z = x W^T / sqrt(I) + b: the factor that keeps z as large as x is in the formula, not in the initial weights.

    x is (*N, I), W is (O, I), b is (O,), z is (*N, O). W and b begin as N(0, 1), whatever the network's `init`; with
    `zero_init`, usual for the last layer, both begin as 0. One learning rate then moves layers of any width alike:
    a step of W changes z by a factor 1/sqrt(I) less than in `linear`, while its weights are larger by sqrt(I).

        dW = dz^T x / sqrt(I)     (O, I)
        db = 1^T dz               (O,)
        dx = dz W / sqrt(I)       (*N, I)

    Jacot, Gabriel and Hongler 2018, "Neural tangent kernel: convergence and generalization in neural networks",
    equation 1.
    """

    formulas: ClassVar[Mapping[str, str]] = {
        "y": "{x} {weight}^T / sqrt(I) + {bias}",
        "dweight": "{dy}^T {x} / sqrt(I)",
        "dbias": "sum of {dy} over the rows",
        "dx": "{dy} {weight} / sqrt(I)",
    }

    remembers_y: ClassVar[bool] = False
    out_features: int
    zero_init: bool = False
    in_features: int | None = None

    def __post_init__(self) -> None:
        at_least("out_features", self.out_features, 1)

    @property
    def plain(self) -> Linear:
        """The layer without the factor."""
        return Linear(self.out_features, self.in_features)

    @property
    def factor(self) -> float:
        """1 / sqrt(I)."""
        assert self.in_features is not None, "sized() comes first"
        return 1 / math.sqrt(self.in_features)

    def sized(self, input_shape: Shape) -> Self:
        return replace(self, in_features=self.plain.sized(input_shape).in_features)

    def parameter_shapes(self) -> dict[str, Shape]:
        return self.plain.parameter_shapes()

    def buffer_shapes(self) -> dict[str, Shape]:
        return {}

    def check_input(self, x: Features) -> None:
        """Takes any numbers."""

    def output_shape(self, input_shape: Shape) -> Shape:
        return self.plain.output_shape(input_shape)

    def initialize_(self, w: Tensors, init: Initializer, generator: torch.Generator) -> None:
        for value in w.values():
            value.normal_(generator=generator).mul_(0 if self.zero_init else 1)

    def forward(self, w: Tensors, x: Inputs, memo: Memo) -> Outputs:
        rows = x.flatten(0, -2)
        memo["x"] = scaled = torch.mul(rows, self.factor, out=memo.buffer("x", rows.shape, x))  # (N, I)
        z = affine(scaled, w["weight"], w["bias"], memo.buffer("z", (len(rows), self.out_features), x))  # (N, O)
        return z if x.dim() == 2 else z.view(*x.shape[:-1], self.out_features)

    def backward(self, w: Tensors, dw: Tensors, dy: Outputs, memo: Memo, need_dx: bool = True) -> Inputs:
        dz, scaled = dy.flatten(0, -2), memo["x"]
        add_outer_(dw["weight"], dz, scaled)
        dw["bias"].add_(dz.sum(0))
        if not need_dx:
            return dy
        dx = back(dz, w["weight"], memo.buffer("dx", scaled.shape, dz)).mul_(self.factor)
        return dx if dy.dim() == 2 else dx.view(*dy.shape[:-1], scaled.shape[1])

    def module(self, memo: Memo) -> nn.Module:
        return _TorchNTKLinear(self)


@final
class _TorchNTKLinear(nn.Linear):  # torch has none: `nn.Linear` on inputs that carry the factor
    def __init__(self, layer: NTKLinear) -> None:
        assert layer.in_features is not None, "sized() comes first"
        super().__init__(layer.in_features, layer.out_features)
        self.factor = layer.factor

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x * self.factor)
