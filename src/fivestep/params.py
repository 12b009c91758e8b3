"""Where the numbers are: one flat vector of parameters, one of gradients, and a view of both for every layer."""

import math
from collections.abc import Mapping, Sequence
from typing import final

import torch
from torch import Tensor

from .check import InputError, one_of
from .typing import Shape, Tensors, Vector


@final
class Params:
    """The parameters `flat` and their gradients `grad`, both (P,); `weights[k]` and `gradients[k]` are layer k's views.

    Matrices come first, then the rest, so that a rule for matrices alone is a rule for one slice. Because every view
    shares the flat vectors' memory, an update, a clip, a copy or an all-reduce is one operation on one vector.
    """

    def __init__(self, shapes: Sequence[Mapping[str, Shape]], dtype: torch.dtype, device: torch.device) -> None:
        entries = [(k, name, shape) for k, layer in enumerate(shapes) for name, shape in layer.items()]
        entries.sort(
            key=lambda entry: len(entry[2]) < 2
        )  # a stable sort: matrices first, each part in the order of the layers
        num_parameters = sum(math.prod(shape) for _, _, shape in entries)
        self.flat: Vector = torch.zeros(num_parameters, dtype=dtype, device=device)
        self.grad: Vector = torch.zeros_like(self.flat)
        self.weights: list[dict[str, Tensor]] = [dict.fromkeys(layer, self.flat) for layer in shapes]
        self.gradients: list[dict[str, Tensor]] = [dict.fromkeys(layer, self.grad) for layer in shapes]
        start = 0
        for k, name, shape in entries:
            stop = start + math.prod(shape)
            self.weights[k][name] = self.flat[start:stop].view(shape)
            self.gradients[k][name] = self.grad[start:stop].view(shape)
            start = stop

    def named(self) -> dict[str, Tensor]:
        """The parameters as views, layer by layer, under torch's names: "0.weight", "0.bias", "2.weight", ..."""
        return {f"{k}.{name}": view for k, layer in enumerate(self.weights) for name, view in layer.items()}

    def named_gradients(self) -> dict[str, Tensor]:
        """The gradients as views, under the same names."""
        return {f"{k}.{name}": view for k, layer in enumerate(self.gradients) for name, view in layer.items()}

    def load(self, weights: Tensors) -> None:
        """Copies values in; raises an `InputError` that names the tensor that is missing, extra or misshapen."""
        own = self.named()
        for name in weights:
            one_of("the name of a weight", name, own)
        for name, view in own.items():
            if name not in weights:
                raise InputError(f"weights must hold all of {', '.join(own)}, got none for {name!r}; add it.")
            if weights[name].shape != view.shape:
                raise InputError(
                    f"{name} must have the shape {tuple(view.shape)}, got {tuple(weights[name].shape)}; "
                    f"weights are (out, in), as in torch.nn.Linear."
                )
        with torch.no_grad():
            for name, view in own.items():
                view.copy_(weights[name])
