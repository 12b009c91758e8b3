"""Network, parameters and rows as arrays for the small body."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, final

import numpy as np

from ....params import Params
from .._tables import CACHE, LANES, SLOTS, Array, aligned, in_lanes, type_of
from ..body.branched import Branched
from ..body.hidden import Hidden
from ..body.masks import IN_A_WORD, Masks
from ..body.network import Memory, Network


@final
class ParameterOrder(NamedTuple):
    """The place of each parameter in the vectors of the body, and the length of these vectors, in whole lanes."""

    places: Array
    size: int


def memory_for(network: Network, hidden: Hidden | None, params: Params, size: int, rows: int) -> Memory:
    """Memory for `size` parameters, and for the buffers of a tile of `rows` rows."""
    kind, num_out = type_of(params), int(network.outputs[-1])
    room = units_of(network, hidden) * in_lanes(rows)
    return Memory(
        w=aligned(size, kind),
        g=aligned(size, kind),
        rule=aligned(SLOTS * size, kind),
        values=aligned(room, kind),
        gradients=aligned(room, kind),
        targets=aligned(num_out * in_lanes(rows), kind),
        share=aligned(in_lanes(rows), kind),
        buffers=aligned(2 * params.buffers.numel(), kind),
        rows=rows,
    )


def units_of(network: Network, hidden: Hidden | None) -> int:
    """How many numbers the buffers have for each row."""
    return int(network.places[-1] + network.outputs[-1]) if hidden is None else hidden.num_units


def rows_of_tile(network: Network, hidden: Hidden | None, params: Params) -> int:
    """The rows of a tile: as many as fit into the cache."""
    return rows_for(units_of(network, hidden), type_of(params), LANES if hidden is None else hidden.rows_at_once)


def masks_for(widths: Sequence[int], layers: Mapping[int, int], num_rows: int) -> Masks:
    """Memory for the random bits of all dropout operations for `num_rows` rows, padded for loads of whole registers.

    `layers` maps each dropout operation to the layer as which it draws.
    """
    dropped = [*layers]
    words = np.zeros(num_rows * max((widths[k] for k in dropped), default=0) // IN_A_WORD + 1, np.uint64)
    places = np.zeros(len(widths), np.int64)
    for k, following in pairwise(dropped):
        places[following] = places[k] + num_rows * widths[k]
    bits = np.zeros(num_rows * sum(widths[k] for k in dropped) + LANES, np.int16)
    draws = _whole(layers.get(k, 0) for k in range(len(widths)))
    return Masks(np.uint64(0), words, words.view(np.int16), bits, places, draws, num_rows)


def rows_for(units: int, kind: Any, multiple: int) -> int:
    """The number of rows, a multiple of `multiple`, whose values and gradients of `units` units fit into the cache."""
    return int(max(multiple, 64, min(512, CACHE // (2 * units * kind.itemsize)) // multiple * multiple))


def table_of(network: Network, branched: Branched | None, params: Params) -> tuple[Any, Any]:
    """The table of addresses for `body/at.py`, and a buffer that it refers to, which must be kept alive with it."""
    arrays = [getattr(network, name) for name in ("kinds", "inputs", "outputs", "weights", "biases", "numbers")]
    rows = rows_of_tile(network, None, params)
    values = aligned(units_of(network, None) * rows, type_of(params))
    places = [array.ctypes.data for array in (*arrays, network.places, values)]
    sizes = [network.kinds.size, params.flat.numel(), values.size, rows]
    others = [network.sources, *((branched.momenta, branched.running) if branched else [network.sources] * 2)]
    of_buffers = [params.buffers.data_ptr(), params.buffers.numel()]
    addresses = [array.ctypes.data for array in others]
    return _whole([*places, params.flat.data_ptr(), *sizes, *addresses, *of_buffers]), values


def _whole(numbers: Iterable[int]) -> Any:
    return np.array([*numbers], dtype=np.int64)
