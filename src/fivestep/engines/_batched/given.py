"""The inputs of steps of K networks: rows, rates, and the draws of their layers."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, final

from torch import Tensor


class Table(NamedTuple):
    """The rows that indices point to: x (R, I), targets in the loss's form (R, ...), weights (R,) or None."""

    x: Tensor
    y: Tensor
    weight: Tensor | None


class StepsAhead(NamedTuple):
    """The inputs of a block's n steps besides the rows, all on the device.

    `sizes` are the rows of each step. `places` (n, K, B) are their indices, or None if each step takes all rows of
    `Networks.whole`. `rates` and `l2` are (n, K, 1); `bits` (n, K, B, H) are the draws of the layers that drop.
    """

    first: int
    sizes: Sequence[int]
    places: Tensor | None
    rates: Tensor
    l2: Tensor
    bits: Mapping[int, Tensor]


@final
class DrawnBits:
    """The random bits of a step, drawn beforehand: the counterpart of `Draws`."""

    def __init__(self) -> None:
        self.by_layer: dict[int, Tensor] = {}

    def bits(self, layer: int, like: Tensor) -> Tensor:
        """The bits of a layer, in the shape of `like`."""
        return self.by_layer[layer]
