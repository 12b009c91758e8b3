"""The order of the rows in each epoch, drawn by compiled code in a sixth of torch's time."""

from collections.abc import Sequence
from typing import Any, final

import numpy as np
from torch import Tensor

from .... import draws
from ....blocks import Block
from .. import _compiled
from .._tables import Array
from ..body.order import BESIDE, SIZE, Order, Room, in_lanes

NONE = np.zeros(0, np.int64)


def draw_orders(seeds: Sequence[int], out: Tensor) -> None:
    """Fills `out` (E, N) with one order for each seed: the same as `draws.draw_orders`."""
    if out.shape[1] >= draws.MOST_ROWS:
        draws.draw_orders(seeds, out)
        return
    _compiled.drawing()(words_of(seeds), out.numpy(), room_for(out.shape[1]))


@final
class Orders:
    """The orders of blocks for the compiled body: as indices, or as seeds from which it draws them itself."""

    def __init__(self) -> None:
        self._order, self._room = NONE, room_for(0)
        self._last: int | None = None

    def release(self) -> None:
        """Releases the memory."""
        self._order, self._room, self._last = NONE, room_for(0), None

    def of(self, block: Block, num_rows: int, tokens: int) -> Order:
        """The order for the steps of a block, whose rows have `tokens` tokens each."""
        rows, seeds = self._order if block.seeds else _written(block, tokens), block.seeds
        is_drawn = bool(seeds) and seeds[0] == self._last and int(block.starts[0]) > 0
        if seeds:
            if len(rows) != num_rows:
                rows = self._order = np.empty(num_rows, np.int64)
                self._room, is_drawn = room_for(num_rows), False
            seeds, self._last = seeds[is_drawn:], seeds[-1]
        return Order(rows, words_of(seeds), is_drawn, self._room)


def _written(block: Block, tokens: int) -> Array:
    """The order of a block as indices of tokens; empty if the rows are already in order."""
    if block.order is None:
        return NONE
    order = block.order.numpy()
    return order if tokens == 1 else (order[:, None] * tokens + np.arange(tokens)).ravel()


def words_of(seeds: Sequence[int]) -> Array:
    """The first word of the generator's state for each seed, its last 32 bits, padded to whole lanes."""
    words = np.zeros(in_lanes.py_func(len(seeds)), np.uint32)
    words[: len(seeds)] = np.array(seeds, np.int64)
    return words


def room_for(num_rows: int) -> Room:
    """Work space for drawing an order of `num_rows` rows."""
    sizes = BESIDE * SIZE, BESIDE * BESIDE, SIZE, in_lanes.py_func(num_rows)
    room = Room(*(np.empty(size, np.uint32) for size in sizes))
    inverses: Any = (2**32 - 1) / np.arange(num_rows, 0, -1)  # rounding cannot reach the next integer
    room.inverses[:num_rows] = inverses
    return room
