"""A layer made of layers."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import final

import torch
from torch import Tensor

from ..layer import Initializer, Layer, kind_of
from ..typing import Shape, Tensors


class Composite(Layer):
    """A layer whose parameters and buffers are those of the layers inside it, under their names: "body.0.weight"."""

    @abstractmethod
    def inner(self) -> Mapping[str, Layer]:
        """The layers inside, each by the name that it has in the torch twin."""

    @final
    def parameter_shapes(self) -> dict[str, Shape]:
        inner = {name: layer.parameter_shapes() for name, layer in self.inner().items()}
        return {f"{name}.{own}": shape for name, shapes in inner.items() for own, shape in shapes.items()}

    @final
    def buffer_shapes(self) -> dict[str, Shape]:
        inner = {name: layer.buffer_shapes() for name, layer in self.inner().items()}
        return {f"{name}.{own}": shape for name, shapes in inner.items() for own, shape in shapes.items()}

    @final
    def initialize_(self, w: Tensors, init: Initializer, generator: torch.Generator) -> None:
        for name, layer in self.inner().items():
            layer.initialize_(within(w, name), init, generator)


def within(tensors: Tensors, name: str) -> dict[str, Tensor]:
    """The tensors of the inner layer with this name, under their names there."""
    start = f"{name}."
    return {key.removeprefix(start): tensor for key, tensor in tensors.items() if key.startswith(start)}


def with_inner(layers: Iterable[Layer]) -> Iterator[Layer]:
    """The layers, each followed by the layers inside it."""
    for layer in layers:
        yield layer
        if isinstance(layer, Composite):
            yield from with_inner(layer.inner().values())


def kinds_of(layer: Layer, parameter: str) -> list[str]:
    """The kinds of the layers around a parameter, innermost first, as their files are called: "linear", "residual"."""
    kinds = [kind_of(layer)]
    inner = layer.inner() if isinstance(layer, Composite) else {}
    for name, one in inner.items():
        if parameter.startswith(f"{name}."):
            kinds = [*kinds_of(one, parameter.removeprefix(f"{name}.")), *kinds]
    return kinds
