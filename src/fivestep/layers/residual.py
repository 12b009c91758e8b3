"""A stack of layers whose output is added to its input."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, Self, final

import torch
from torch import Tensor, nn

from ..check import InputError, refuse
from ..find import Choice, build, layer_family
from ..layer import MAX_CHILDREN, Layer, Memo
from ..typing import Elements, Features, Shape, Tensors
from ._composite import Composite, within


@final
@dataclass(frozen=True)
class Residual(Composite):
    """y = x + f(x), where f is a stack of layers that keeps the shape of x.

    `layers` names the layers of f as texts, each with all its sizes:
    `residual:layers=['layer_norm','linear:out_features=8','gelu','linear:out_features=8']`. Their parameters are
    called "body.0.weight", "body.1.weight", ... as in torch.

    Backward: dx = dy + dy * df/dx, so the gradient has a way past f that nothing shrinks; the second term is the sweep
    of `engines/scratch.py` through the layers of f. Raises an `InputError` if f changes the shape.
    He et al. 2016, "Deep residual learning for image recognition", equation 1; with the normalization as the first
    layer of f, "Identity mappings in deep residual networks".
    """

    formulas: ClassVar[Mapping[str, str]] = {
        "y": "{x} + {last}",
        "dlast": "{dy}",
        "dx": "{dy} + {dx_first}",
    }

    layers: tuple[str, ...]
    input_shape: Shape | None = None

    def __post_init__(self) -> None:
        usual = "a list of one or more texts", "write for example ['linear:out_features=8']"
        if not isinstance(self.layers, list | tuple) or not 1 <= len(self.layers) <= MAX_CHILDREN:
            raise refuse("layers of a residual", self.layers, *usual)
        if not all(isinstance(text, str) for text in self.layers):
            raise refuse("layers of a residual", self.layers, *usual)
        for choice in map(Choice.parse, self.layers):
            build(layer_family(choice.name), choice)  # refuses an unusable option here, not when sizes are known
        object.__setattr__(self, "layers", tuple(self.layers))

    @cached_property
    def body(self) -> tuple[Layer, ...]:
        """The layers of f with their sizes."""
        assert self.input_shape is not None, "sized() comes first"
        shape, body = self.input_shape, []
        for choice in map(Choice.parse, self.layers):
            layer: Layer = build(layer_family(choice.name), choice).sized(shape)
            shape = layer.output_shape(shape)
            body.append(layer)
        if shape != self.input_shape:
            raise InputError(
                f"layers of a residual must keep the shape {self.input_shape} of a row, got {shape}; "
                f"end them with linear:out_features={self.input_shape[-1]}."
            )
        return tuple(body)

    def sized(self, input_shape: Shape) -> Self:
        sized = replace(self, input_shape=input_shape)
        assert sized.body, "building it checks the shapes"
        return sized

    def inner(self) -> Mapping[str, Layer]:
        return {f"body.{k}": layer for k, layer in enumerate(self.body)}

    def check_input(self, x: Features) -> None:
        self.body[0].check_input(x)

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def forward(self, w: Tensors, x: Elements, memo: Memo) -> Elements:
        a = x
        for k, layer in enumerate(self.body):
            a = layer.forward(within(w, f"body.{k}"), a, memo.child(k))
        return torch.add(x, a, out=memo.buffer("y", x.shape, x))

    def backward(self, w: Tensors, dw: Tensors, dy: Elements, memo: Memo, need_dx: bool = True) -> Elements:
        past = torch.add(dy, 0, out=memo.buffer("dx", dy.shape, dy))  # a copy, because the layers may overwrite dy
        da = dy
        for k, layer in reversed(list(enumerate(self.body))):
            da = layer.backward(within(w, f"body.{k}"), within(dw, f"body.{k}"), da, memo.child(k), need_dx or k > 0)
        return past.add_(da) if need_dx else dy

    def module(self, memo: Memo) -> nn.Module:
        return _Residual(layer.module(memo.child(k)) for k, layer in enumerate(self.body))


@final
class _Residual(nn.Module):
    """The twin in plain torch."""

    def __init__(self, modules: Iterable[nn.Module]) -> None:
        super().__init__()
        self.body = nn.Sequential(*modules)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.body(x)
        return y
