"""Every random number of a run, as a function of (seed, step, layer), drawn outside the arithmetic.

All engines see the same draws, and a resumed run continues the same sequence, because nothing here keeps a position in
a stream: each draw seeds a generator of its own. Draws are made for the global batch; a micro-batch or a rank takes its
rows of them.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .typing import Indices

BITS = 15
"""Random integers for masks lie in [0, 2^15), four of them cut out of one 64-bit number: a tenth of `torch.rand`'s
cost, and fine enough."""

IN_A_WORD = 4
"""Such integers in one 64-bit number."""

FOLD = 1_000_003
"""The factor by which a seed is multiplied before the next coordinate of a draw is added."""

MOST_ROWS = (2**32 - 1) // 20
"""From as many rows on, torch draws an order in another way."""

_FOUR_TIMES_FIFTEEN = np.uint64(0x7FFF_7FFF_7FFF_7FFF)


def generator(seed: int, *coordinates: int, again: torch.Generator | None = None) -> torch.Generator:
    """A CPU generator for one draw.

    Without coordinates its stream is that of `torch.manual_seed(seed)`. `again` is one to be seeded anew: making one
    takes 17 microseconds, seeding it one.
    """
    return (torch.Generator() if again is None else again).manual_seed(_folded(seed, *coordinates))


def order(seed: int, epoch: int, num_rows: int, again: torch.Generator | None = None) -> Indices:
    """The order in which an epoch (counted from 0) visits the rows: a permutation of 0 .. num_rows - 1."""
    return torch.randperm(num_rows, generator=generator(seed, epoch + 1, again=again))


def order_seeds(seed: int, epochs: Iterable[int]) -> list[int]:
    """The seeds of the generators for the orders of several epochs: `_folded(seed, epoch + 1)`, as in `order`."""
    first = _folded(seed, 1)
    return [(first + epoch) % 2**63 for epoch in epochs]


def draw_orders(seeds: Sequence[int], out: Tensor) -> None:
    """Fills `out` (E, N) with one order of N rows for each of E seeds, as `order` draws them."""
    stream = torch.Generator()
    for seed, row in zip(seeds, out, strict=True):
        torch.randperm(len(row), generator=stream.manual_seed(seed), out=row)


DrawOrders = Callable[[Sequence[int], Tensor], None]
"""A function that does what `draw_orders` does, to the bit."""


@final
class Draws:
    """The draws inside a step. The engine sets `step`, and `rows` while it works on a part of a batch.

    `rows` are the part's places in the batch, and the number of rows that the whole batch has.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.step = 0
        self.rows: tuple[slice, int] | None = None
        self._streams: dict[int, _Stream] = {}
        self.drawn_before: Callable[[int, Tensor], Tensor] | None = None
        """Where a step is recorded ahead, the source of the bits: memory that is filled before the step runs."""

    def bits(self, layer: int, like: Tensor) -> Tensor:
        """Uniform integers in [0, 2^15) of type int16, in the shape and on the device of `like`."""
        if self.drawn_before is not None:
            return self.drawn_before(layer, like)
        rows, num_rows = self.rows or (slice(None), len(like))
        start, stop, _ = rows.indices(num_rows)
        size = math.prod(like.shape[1:])
        drawn = self._stream(layer, start * size).read(start * size, stop * size)
        return torch.from_numpy(drawn).view((stop - start, *like.shape[1:])).to(like.device)

    def _stream(self, layer: int, start: int) -> "_Stream":
        """The stream of a layer's numbers in this step: the one that the part before left off, if that leads there."""
        seed, kept = _folded(self.seed, self.step, layer), self._streams.get(layer)
        if kept is None or kept.seed != seed or not kept.leads_to(start):
            kept = self._streams[layer] = _Stream(seed)
        return kept


@final
class _Stream:
    """The 15-bit numbers that one generator draws, read from the front on.

    The last word drawn is kept, so parts of a batch that come in order draw each word once, and a rank skips those of
    the ranks before it.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._generator = np.random.SFC64(seed)
        self._num_drawn, self._last = 0, np.zeros(0, np.uint64)

    def leads_to(self, start: int) -> bool:
        """Whether number `start` is still to come, or is in the last word."""
        return start // IN_A_WORD >= self._num_drawn - len(self._last)

    def read(self, start: int, stop: int) -> npt.NDArray[Any]:
        """The numbers from `start` to `stop` - 1."""
        first, end = start // IN_A_WORD, -(-stop // IN_A_WORD)
        if first > self._num_drawn:
            self._generator.random_raw(first - self._num_drawn, output=False)
            self._num_drawn = first
        words = self._generator.random_raw(max(0, end - self._num_drawn))
        words &= _FOUR_TIMES_FIFTEEN
        if first < self._num_drawn:
            words = np.concatenate((self._last, words))
        self._num_drawn, self._last = max(end, self._num_drawn), words[-1:].copy()
        return words.view(np.int16)[start - IN_A_WORD * first : stop - IN_A_WORD * first]


def _folded(seed: int, *coordinates: int) -> int:
    """One number in [0, 2^63) for a seed and the place of a draw."""
    for coordinate in coordinates:
        seed = seed * FOLD + coordinate
    return seed % 2**63
