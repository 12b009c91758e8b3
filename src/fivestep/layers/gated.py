"""Two linear layers side by side, one of which gates the other."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, Self, final

import torch
from torch import Tensor, nn

from ..check import at_least
from ..find import build
from ..layer import Layer, Memo
from ..typing import Features, Inputs, Outputs, Shape, Tensors
from ._composite import Composite, within
from .linear import Linear


@final
@dataclass(frozen=True)
class Gated(Composite):
    """y = f(x W_gate^T) * (x W_up^T), with an activation f and the product taken element by element.

    x is (*N, I), both matrices are (O, I), y is (*N, O); `bias=True` gives each its bias. With f = sigmoid this is the
    gated linear unit; with silu, and a linear layer after it, the feed-forward block SwiGLU of Llama, there called
    gate_proj, up_proj and down_proj.

    With z = x W_gate^T, a = f(z) and u = x W_up^T, the product rule gives du = dy a and dz = dy u f'(z); both linear
    layers then add their gradients, and dx is the sum of what both send back.
    Dauphin et al. 2017, "Language modeling with gated convolutional networks"; Shazeer 2020, "GLU variants improve
    transformer", equations 5 and 6.
    """

    formulas: ClassVar[Mapping[str, str]] = {
        "y": "{activation} * {up}",
        "dactivation": "{dy} * {up}",
        "dup": "{dy} * {activation}",
        "dx": "{dx_gate} + {dx_up}",
    }

    out_features: int
    activation: str = "sigmoid"
    bias: bool = False
    in_features: int | None = None

    def __post_init__(self) -> None:
        at_least("out_features", self.out_features, 1)
        build("activations", self.activation)

    @cached_property
    def linear(self) -> Linear:
        """The kind of linear layer of which this one holds two."""
        return Linear(self.out_features, self.in_features, self.bias)

    @cached_property
    def gate(self) -> Layer:
        """The activation f."""
        gate: Layer = build("activations", self.activation)
        return gate

    def inner(self) -> Mapping[str, Layer]:
        return {"gate": self.linear, "activation": self.gate, "up": self.linear}

    def sized(self, input_shape: Shape) -> Self:
        return replace(self, in_features=self.linear.sized(input_shape).in_features)

    def check_input(self, x: Features) -> None:
        """Takes any numbers."""

    def output_shape(self, input_shape: Shape) -> Shape:
        return self.linear.output_shape(input_shape)

    def forward(self, w: Tensors, x: Inputs, memo: Memo) -> Outputs:
        z = self.linear.forward(within(w, "gate"), x, memo.child(0))
        a = self.gate.forward({}, z, memo.child(1))
        u = self.linear.forward(within(w, "up"), x, memo.child(2))
        memo["a"], memo["u"] = a, u
        return torch.mul(a, u, out=memo.buffer("y", a.shape, a))

    def backward(self, w: Tensors, dw: Tensors, dy: Outputs, memo: Memo, need_dx: bool = True) -> Inputs:
        da = torch.mul(dy, memo["u"], out=memo.buffer("da", dy.shape, dy))
        du = dy.mul_(memo["a"])
        dz = self.gate.backward({}, {}, da, memo.child(1))
        dx = self.linear.backward(within(w, "gate"), within(dw, "gate"), dz, memo.child(0), need_dx)
        also = self.linear.backward(within(w, "up"), within(dw, "up"), du, memo.child(2), need_dx)
        return dx.add_(also) if need_dx else dy

    def module(self, memo: Memo) -> nn.Module:
        return _Gated(*(layer.module(memo.child(k)) for k, layer in enumerate(self.inner().values())))


@final
class _Gated(nn.Module):
    """The twin in plain torch."""

    def __init__(self, gate: nn.Module, activation: nn.Module, up: nn.Module) -> None:
        super().__init__()
        self.gate, self.activation, self.up = gate, activation, up

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.activation(self.gate(x)) * self.up(x)
        return y
