"""Every random number of a run, as a function of (seed, step, layer), drawn outside the arithmetic.

All engines see the same draws, and a resumed run continues the same sequence, because nothing here keeps a position
in a stream: each draw seeds a generator of its own. Draws are made for the global batch; a micro-batch takes its rows
of it.
"""

from typing import final

import torch
from torch import Tensor

from .typing import Indices

BITS = 15
"""Random integers for masks lie in [0, 2^15): 16-bit integers cost a third of `torch.rand` and are fine enough."""


def generator(seed: int, *coordinates: int) -> torch.Generator:
    """A CPU generator for one draw. Without coordinates its stream is that of `torch.manual_seed(seed)`."""
    for coordinate in coordinates:
        seed = seed * 1_000_003 + coordinate
    return torch.Generator().manual_seed(seed % 2**63)


def order(seed: int, epoch: int, num_rows: int) -> Indices:
    """The order in which an epoch (counted from 0) visits the rows: a permutation of 0 .. num_rows - 1."""
    return torch.randperm(num_rows, generator=generator(seed, epoch + 1))


@final
class Draws:
    """The draws inside a step. The engine sets `step`, and `rows` while it works on a part of a batch."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.step = 0
        self.rows: tuple[slice, int] | None = None

    def bits(self, layer: int, like: Tensor) -> Tensor:
        """Uniform integers in [0, 2^15) of type int16, in the shape and on the device of `like`."""
        rows, num_rows = self.rows or (slice(None), len(like))
        drawn = torch.empty((num_rows, *like.shape[1:]), dtype=torch.int16)
        drawn.random_(0, 2**BITS, generator=generator(self.seed, self.step, layer))
        return drawn[rows].to(like.device)
