"""What the steps of K networks are given: rows, rates, and the draws of their layers."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, final

import torch
from torch import Tensor


class Table(NamedTuple):
    """The rows that places point to: x (R, I), targets as the loss wants them (R, ...), weights (R,) or None."""

    x: Tensor
    y: Tensor
    weight: Tensor | None


class StepsAhead(NamedTuple):
    """What the n steps of a block take beside the rows: all of it on the device.

    `sizes` are the rows of each step. `places` (n, K, B) say which they are, or is None where each step takes all rows
    of `Networks.whole`. `rates` and `l2` are (n, K, 1); `bits` (n, K, B, H) are the draws of the layers that drop.
    """

    first: int
    sizes: Sequence[int]
    places: Tensor | None
    rates: Tensor
    l2: Tensor
    bits: Mapping[int, Tensor]


@final
class Given:
    """The random bits of a step, made beforehand: what `Draws` is to one network."""

    def __init__(self) -> None:
        self.by_layer: dict[int, Tensor] = {}

    def bits(self, layer: int, like: Tensor) -> Tensor:
        """Those of that layer, in the shape of `like`."""
        return self.by_layer[layer]


def shares_of_each(weight: Tensor) -> Tensor:
    """Weights (K, N) divided by their sum over each network's rows; where all are 0, the step counts for nothing."""
    return weight / weight.sum(1, keepdim=True).clamp(min=torch.finfo(weight.dtype).tiny)
