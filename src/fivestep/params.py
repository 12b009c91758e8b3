"""Where the numbers are: one flat vector of parameters, one of gradients, and a view of both for every layer."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, final

import torch
from torch import Tensor

from .check import InputError, one_of
from .group import Group
from .ranks import ALONE, NUM_EXTRA, Ranks
from .typing import Shape, Tensors, Vector

Shapes = Mapping[str, Shape]
"""The tensors of one layer: their shapes by name."""


class Part(NamedTuple):
    """A slice of the flat vectors, what its parameters have in common, and their names."""

    group: Group
    where: slice
    names: list[str]


def plain_group(_layer: int, _name: str, shape: Shape) -> Group:
    """Groups by matrix or not only: all parameters have the plan's learning rate and weight decay."""
    return Group(is_matrix=len(shape) == 2)


@final
class Params:
    """The parameters `flat` and their gradients `grad`, both (P,); `weights[k]` and `gradients[k]` are layer k's views.

    Matrices come first, then the rest, and parameters that an update rule treats alike lie side by side (`parts`).
    Because every view shares the flat vectors' memory, an update, a clip, a copy or an all-reduce is one operation on
    one vector. `weights[k]` also holds the layer's buffers (running statistics), which live in `buffers` and have no
    gradient.
    """

    def __init__(
        self,
        shapes: Sequence[Shapes],
        dtype: torch.dtype,
        device: torch.device,
        buffer_shapes: Sequence[Shapes] = (),
        group_of: Callable[[int, str, Shape], Group] = plain_group,
        ranks: Ranks = ALONE,
    ) -> None:
        entries = [
            (group_of(k, name, shape), k, name, shape) for k, of in enumerate(shapes) for name, shape in of.items()
        ]
        kinds = list(dict.fromkeys(group for group, *_ in entries))
        kinds.sort(key=lambda group: not group.is_matrix)  # stable: matrices first, else in order of appearance
        entries.sort(key=lambda entry: kinds.index(entry[0]))
        self.flat: Vector = torch.zeros(_total(shapes), dtype=dtype, device=device)
        self.sums: Vector = ranks.zeros(_total(shapes) + NUM_EXTRA, dtype, device)
        """The gradient, followed by the few numbers that ranks sum in the same all-reduce."""

        self.grad: Vector = self.sums[:-NUM_EXTRA]
        self.buffers: Vector = torch.zeros(_total(buffer_shapes), dtype=dtype, device=device)
        self.training: Vector | None = None
        """The parameters that train, while `flat` holds others to predict with (`averages.py`); else None."""

        self.weights: list[dict[str, Tensor]] = [dict.fromkeys(layer, self.flat) for layer in shapes]
        self.gradients: list[dict[str, Tensor]] = [dict.fromkeys(layer, self.grad) for layer in shapes]
        self._slices: dict[Group, slice] = {}
        self._members: dict[Group, list[str]] = {group: [] for group in kinds}
        start = 0
        for group, k, name, shape in entries:
            stop = start + math.prod(shape)
            self.weights[k][name] = self.flat[start:stop].view(shape)
            self.gradients[k][name] = self.grad[start:stop].view(shape)
            self._slices[group] = slice(self._slices[group].start if group in self._slices else start, stop)
            self._members[group].append(f"{k}.{name}")
            start = stop
        num_in_matrices = sum(math.prod(shape) for group, *_, shape in entries if group.is_matrix)
        self.matrices: Vector = self.flat[:num_in_matrices]
        self.matrices_grad: Vector = self.grad[:num_in_matrices]
        """The first part of the flat vectors, which holds the matrices."""

        start = 0
        for k, layer in enumerate(buffer_shapes):
            for name, shape in layer.items():
                stop = start + math.prod(shape)
                self.weights[k][name] = self.buffers[start:stop].view(shape)
                start = stop

    @torch.no_grad()
    def to_training(self) -> None:
        """From now on `flat` holds the parameters that train, as every step needs it."""
        if self.training is not None:
            self.flat.copy_(self.training)
            self.training = None

    def parts(self, *, matrices_apart: bool) -> list[Part]:
        """The slices that a rule moves in one call each: usually one, unless some have their own factor or decay."""
        parts: list[Part] = []
        for group, where in self._slices.items():
            last = parts[-1] if parts else None
            if last is not None and not matrices_apart and last.group[1:] == group[1:]:
                parts[-1] = Part(last.group, slice(last.where.start, where.stop), [*last.names, *self._members[group]])
            else:
                parts.append(Part(group, where, self._members[group]))
        return parts

    def named(self) -> dict[str, Tensor]:
        """The parameters as views, layer by layer, under torch's names: "0.weight", "0.bias", "2.weight", ..."""
        return {f"{k}.{name}": self.weights[k][name] for k, layer in enumerate(self.gradients) for name in layer}

    def named_gradients(self) -> dict[str, Tensor]:
        """The gradients as views, under the same names."""
        return {f"{k}.{name}": view for k, layer in enumerate(self.gradients) for name, view in layer.items()}

    def named_with_buffers(self) -> dict[str, Tensor]:
        """Parameters and buffers as views: everything that a trained network is, in the names of torch's state_dict."""
        return {f"{k}.{name}": view for k, layer in enumerate(self.weights) for name, view in layer.items()}

    def load(self, weights: Tensors) -> None:
        """Copies values in; raises an `InputError` that names the tensor that is missing, extra or misshapen."""
        own = self.named_with_buffers()
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
        self.training = None
        with torch.no_grad():
            for name, view in own.items():
                view.copy_(weights[name])


def _total(shapes: Sequence[Shapes]) -> int:
    return sum(math.prod(shape) for layer in shapes for shape in layer.values())
