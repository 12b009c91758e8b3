"""Networks with one hidden layer: which of them use registers of units, and the order of their parameters then."""

import numpy as np

from ....params import Params
from .._tables import ALIGNMENT, aligned, in_lanes, type_of
from ..body import kinds as kind
from ..body.hidden import ROWS, Hidden
from ..body.network import Network
from .tables import ParameterOrder, rows_for

WIDEST = 256
"""Inputs and hidden units up to which a network uses registers of units, so that its weights stay in the cache."""

MOST_WEIGHTS = 10_000
"""Weights of the first layer up to which it does, for the same reason."""

MOST_OUTPUTS = 16
"""Outputs up to which it does, as each takes a pass of its own."""


def hidden_of(network: Network, params: Params) -> Hidden | None:
    """The network for the body whose registers hold units (`body/hidden.py`); None where another body is faster.

    It must have one hidden layer of relu or tanh, and padding may be at most a quarter of its registers.
    """
    dtype = type_of(params)
    num_in, units, num_out = int(network.inputs[0]), int(network.outputs[0]), int(network.outputs[-1])
    half = ALIGNMENT // dtype.itemsize // 2
    filled = -(-units // half) * half
    is_small = max(num_in, units) <= WIDEST and num_in * units <= MOST_WEIGHTS and num_out <= MOST_OUTPUTS
    if not _is_one(network) or not is_small or 4 * units < 3 * filled:
        return None
    num_units = num_in + filled + num_out
    rows, beside = rows_for(num_units, dtype, ROWS), (0,) if filled % (2 * half) == 0 else (0, 0)
    tile = aligned(rows * num_in if len(beside) == 2 else 0, dtype).reshape(-1, 2 * num_in)
    return Hidden(
        which=int(network.kinds[1]),
        num_in=num_in,
        num_hidden=filled,
        num_out=num_out,
        num_units=num_units,
        has_hidden_bias=bool(network.biases[0] >= 0),
        has_bias=bool(network.biases[2] >= 0),
        rows_at_once=ROWS,
        keeps_inputs=True,
        beside=beside,
        where=np.arange(rows) * 2 * num_in,
        tile=tile,
        wide=aligned(2 * (num_in + 1 + num_out) * filled, dtype),
        zeros=aligned(4 * half, dtype),
    )


def order_of(network: Network, hidden: Hidden | None, params: Params) -> ParameterOrder:
    """The places of the parameters in the vectors of the body."""
    places = np.arange(params.flat.numel())
    if hidden is None:
        return ParameterOrder(places, in_lanes(places.size))
    num_in, num_out, filled = hidden.num_in, hidden.num_out, hidden.num_hidden
    lines = np.arange(num_in + 1 + num_out)[:, None] * filled + np.arange(network.outputs[0])
    outputs = len(lines) * filled + np.arange(num_out)
    parts = (
        (network.weights[0], lines[:num_in].T),
        (network.biases[0], lines[num_in]),
        (network.weights[2], lines[num_in + 1 :]),
        (network.biases[2], outputs),
    )
    for start, part in parts:
        if start >= 0:
            places[start : start + part.size] = part.ravel()
    return ParameterOrder(places, in_lanes(len(lines) * filled + num_out))


def _is_one(network: Network) -> bool:
    """Whether the network is linear, relu or tanh, linear."""
    kinds = [*network.kinds]
    return len(kinds) == 3 and kinds[::2] == [kind.LINEAR] * 2 and kinds[1] in (kind.RELU, kind.TANH)
