"""A layer by itself, for examples worked by hand."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from fivestep.draws import Draws
from fivestep.find import Choice, build, layer_family
from fivestep.inits.torch import Torch
from fivestep.layer import Layer, Memo
from fivestep.params import Params


@dataclass(frozen=True)
class Alone:
    """A layer in float64 with its initial values, sized for rows of a shape."""

    layer: Layer
    params: Params
    memo: Memo

    @classmethod
    def of(cls, text: str, *row_shape: int) -> Self:
        choice = Choice.parse(text)
        layer: Layer = build(layer_family(choice.name), choice).sized(row_shape)
        params = Params([layer.parameter_shapes()], torch.float64, torch.device("cpu"), [layer.buffer_shapes()])
        layer.initialize_(params.weights[0], Torch(), torch.Generator().manual_seed(0))
        return cls(layer, params, Memo(training=True, reuse=True, draws=Draws(0)))

    @property
    def w(self) -> dict[str, Tensor]:
        return self.params.weights[0]

    @property
    def dw(self) -> dict[str, Tensor]:
        return self.params.gradients[0]

    def train(self, x: Tensor) -> Tensor:
        return self.layer.forward(self.w, x, self.memo).clone()

    def evaluate(self, x: Tensor) -> Tensor:
        return self.layer.forward(self.w, x, Memo(training=False))

    def back(self, dy: Tensor) -> Tensor:
        return self.layer.backward(self.w, self.dw, dy.clone(), self.memo)


def rows(*values: list[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)
