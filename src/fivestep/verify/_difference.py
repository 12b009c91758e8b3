"""How far two tensors differ, relative to the scale of rounding errors."""

import math
from collections.abc import Mapping
from typing import NamedTuple, final

import torch
from torch import Tensor

from ._moments import Key


@final
class Difference(NamedTuple):
    """The element in which two tensors of the same name differ most.

    `relative` is |one - other| divided by the scale of the tensor (`Scales`); infinite where the shapes differ or a
    number is missing on one side.
    """

    step: int
    part: int
    key: Key
    element: tuple[int, ...]
    one: float
    other: float
    relative: float

    @property
    def absolute(self) -> float:
        """|one - other|."""
        gap = abs(self.one - self.other)
        return math.inf if math.isnan(gap) else gap


@final
class Scales:
    """The largest number of each kind in each layer, on either side and in any step so far.

    A rounding error is proportional to the terms of a sum, not to its result: near a minimum a gradient is the small
    remainder of large terms that cancel. So a difference is divided by the largest gradient that its layer has had,
    weights and bias together, a parameter's by the largest parameter of its layer, a loss's by the largest loss.
    """

    def __init__(self) -> None:
        self._largest: dict[tuple[str, str], float] = {}

    def include(self, tensors: Mapping[Key, Tensor]) -> None:
        """Includes the finite numbers of a tensor."""
        for key, tensor in tensors.items():
            largest = tensor.abs().nan_to_num(0, 0, 0).max().item() if tensor.numel() else 0.0
            self._largest[_group(key, tensor)] = max(self._largest.get(_group(key, tensor), 0.0), largest)

    def of(self, key: Key, tensor: Tensor) -> float:
        """The scale of a tensor; 1 if there was nothing but zeros."""
        return self._largest.get(_group(key, tensor), 0.0) or 1.0


def _group(key: Key, tensor: Tensor) -> tuple[str, str]:
    """A count, such as that of the batches, is measured by itself."""
    return key.kind, key.name if key.kind == "buffer" and tensor.dim() == 0 else key.layer


def largest_gap(pair: tuple[Tensor, Tensor]) -> float:
    """The largest |one - other|; infinite where the shapes differ or a number is missing on one side."""
    one, other = _together(pair)
    if one.shape != other.shape:
        return math.inf
    if torch.equal(one, other) or one.numel() == 0:
        return 0.0
    largest = (one - other).abs().max().item()
    return largest if math.isfinite(largest) else _gaps(one, other).max().item()


def difference(step: int, part: int, key: Key, pair: tuple[Tensor, Tensor], scale: float) -> Difference:
    """The element in which the pair differs most."""
    one, other = _together(pair)
    if one.shape != other.shape:
        return Difference(step, part, key, (), math.nan, math.nan, math.inf)
    if one.numel() == 0:
        return Difference(step, part, key, (), 0.0, 0.0, 0.0)
    gaps = _gaps(one, other).flatten()
    place = int(gaps.argmax())
    index = tuple(int(k) for k in torch.unravel_index(torch.tensor(place), one.shape))
    values = one.flatten()[place].item(), other.flatten()[place].item()
    return Difference(step, part, key, index, *values, gaps[place].item() / scale)


def _together(pair: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Both on one device: the CPU if they are on different ones."""
    one, other = pair
    return pair if one.device == other.device else (one.cpu(), other.cpu())


def _gaps(one: Tensor, other: Tensor) -> Tensor:
    """|one - other| for each element; 0 where both are the same infinity or no number, infinite where one is."""
    same = (one == other) | (one.isnan() & other.isnan())
    return torch.where(same, 0.0, (one - other).abs()).nan_to_num(nan=math.inf)
