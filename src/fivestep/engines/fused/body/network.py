"""A network as a list of operations, each with a buffer of values behind it, and the chain rule back through them.

Buffer 0 holds the inputs, buffer k + 1 what operation k made of buffer k. Rows lie side by side in a buffer, in tiles
of as many as fit into the cache. An elementwise operation leaves its derivative in place of what it took, which nobody
needs any more. `slopes` has the same shape and takes the gradients: on the way back, what is behind an elementwise
operation times its derivative.
"""

from typing import Any, NamedTuple

from . import kinds as kind
from .activations import activate
from .lanes import every, get, inline, load, put, store, where, width
from .linear import Matrix, add_products, weighted_slopes, weighted_sums
from .masks import draw_turned
from .norms import Normed, find_norm_gradient, normalize, through_norm
from .numbers import numbers_at


class Network(NamedTuple):
    """The operations: kind, widths, where weights and biases lie (-1: none), an option, where buffers begin, in units.

    Operation k takes buffer `sources[k]`: k, unless there are branches. `first` is the first operation with parameters:
    below it nothing needs a gradient. Rows come in multiples of `rows_at_once`; a step `keeps_inputs` unless an
    operation writes its derivative over them.
    """

    kinds: Any
    inputs: Any
    outputs: Any
    weights: Any
    biases: Any
    numbers: Any
    places: Any
    sources: Any
    first: int
    num_out: int
    rows_at_once: int
    keeps_inputs: bool


class Memory(NamedTuple):
    """What the body works in: weights, gradient and the rule's memory in whole lanes, and buffers for `rows` rows.

    `buffers` are what batch norms know, and as much room for what they keep from forward to backward.
    """

    w: Any
    g: Any
    rule: Any
    values: Any
    slopes: Any
    targets: Any
    share: Any
    buffers: Any
    rows: int


class Tile(NamedTuple):
    """Rows of a step that fit into the cache: their first place, how many there are, and with what fills up lanes."""

    start: int
    num_rows: int
    rows: int


def fill_network(_network: Network, steps: Any, memory: Memory, tile: Tile, _filled: int) -> None:
    """Copies the inputs of a tile into the first buffer, side by side; zeros fill up the lanes."""
    (start, num_rows, rows), num_in = tile, steps.x.shape[1]
    for i in range(num_in):
        for r in range(num_rows):
            row = get(steps.order, start + r) if steps.order.size else start + r
            put(memory.values, i * rows + r, get(steps.x, row * num_in + i))
        for r in range(num_rows, rows):
            put(memory.values, i * rows + r, 0.0)


@inline
def drop(network: Network, steps: Any, memory: Memory, k: int, s: int, tile: Tile) -> None:
    """Dropout in step s: the scaled mask goes where an activation leaves its derivative.

    The bits of all rows are drawn with the first ones.
    """
    masks, values, num_units, p = steps.masks, memory.values, network.outputs[k], network.numbers[k]
    rows, before, num_rows = tile.rows, tile.start - steps.starts[s], steps.stops[s] - steps.starts[s]
    if before == 0:
        draw_turned(masks, (steps.done + s, k), (num_rows, num_units))
    here, there = network.places[k] * rows, network.places[k + 1] * rows
    least, scale = round(p * 32768.0), every(values, 1.0 / (1.0 - p))
    for o in range(num_units):
        bits = masks.places[k] + o * masks.stride + before
        for r in range(o * rows, (o + 1) * rows, width(values)):
            drawn = numbers_at(masks.bits, bits + r - o * rows, values)
            mask = where(drawn < least, 0.0, scale)
            store(values, there + r, load(values, here + r) * mask)
            store(values, here + r, mask)


@inline
def is_norm(network: Network, k: int) -> bool:
    """Whether operation k normalises rows."""
    return bool(network.kinds[k] == kind.LAYER_NORM or network.kinds[k] == kind.RMS_NORM)


@inline
def norm_at(network: Network, k: int) -> Normed:
    """Operation k as a norm."""
    return Normed(network.kinds[k], network.numbers[k], network.inputs[k], network.weights[k], network.biases[k])


@inline
def is_by_element(network: Network, k: int) -> bool:
    """Whether operation k leaves its derivative in place of what it took."""
    return bool(network.kinds[k] == kind.DROPOUT or network.kinds[k] >= kind.IDENTITY)


@inline
def is_done_with(network: Network, k: int) -> bool:
    """Whether operation k is an activation that the linear layer before it does at once."""
    if k == 0 or network.kinds[k - 1] != kind.LINEAR:
        return False
    return bool(network.kinds[k] == kind.RELU or network.kinds[k] == kind.TANH)


@inline
def forward_one(network: Network, memory: Memory, k: int, rows: int) -> None:
    """One operation that is not dropout; a linear layer together with an activation behind it that is done at once."""
    here, there, num_out = network.places[network.sources[k]] * rows, network.places[k + 1] * rows, network.outputs[k]
    if network.kinds[k] == kind.LINEAR:
        w = Matrix(memory.w, network.weights[k], num_out, network.inputs[k], network.inputs[k], 1, network.biases[k])
        if k + 1 < network.kinds.size and is_done_with(network, k + 1):
            places = network.places[k + 2] * rows, there
            weighted_sums(w, network.kinds[k + 1], memory.values, here, places, rows)
        else:
            weighted_sums(w, kind.LINEAR, memory.values, here, (there, there), rows)
    elif is_norm(network, k):
        normalize(norm_at(network, k), memory.w, memory.values, (here, there), rows)
    elif not is_done_with(network, k):
        activate(network.kinds[k], network.numbers[k], memory.values, here, there, num_out * rows)


@inline
def backward_one(network: Network, memory: Memory, k: int, rows: int, later: bool) -> None:
    """The chain rule through one operation; what it finds for the parameters goes to the gradient."""
    slopes, num_in, num_out = memory.slopes, network.inputs[k], network.outputs[k]
    here, there = network.places[network.sources[k]] * rows, network.places[k + 1] * rows
    if network.kinds[k] == kind.LINEAR:
        at, bias = network.weights[k], network.biases[k]
        add_products(Matrix(memory.g, at, num_out, num_in, num_in, 1, bias), memory, here, there, rows, later)
        if k > network.first:
            is_through = is_by_element(network, k - 1)
            to = network.places[k - 1] * rows if is_through else here
            weighted_slopes(Matrix(memory.w, at, num_in, num_out, 1, num_in, -1), memory, there, to, rows, is_through)
    elif is_norm(network, k):
        norm = norm_at(network, k)
        find_norm_gradient(norm, memory, (here, there), rows, later)
        if k > network.first:
            through_norm(norm, memory, (here, there), rows)
    elif k + 1 == network.kinds.size or network.kinds[k + 1] != kind.LINEAR:
        for r in range(0, num_in * rows, width(slopes)):
            store(slopes, here + r, load(memory.values, here + r) * load(slopes, there + r))


def forward_network(network: Network, steps: Any, memory: Memory, tile: Tile, s: int) -> Any:
    """The logits of a tile of step s; returns where they lie."""
    for k in range(network.kinds.size):
        if network.kinds[k] == kind.DROPOUT:
            drop(network, steps, memory, k, s, tile)
        else:
            forward_one(network, memory, k, tile.rows)
    return network.places[network.kinds.size] * tile.rows


def backward_network(network: Network, _steps: Any, memory: Memory, tile: Tile, later: bool) -> None:
    """The chain rule through the network; added to the gradient of the tiles before unless there is none."""
    for k in range(network.kinds.size - 1, network.first - 1, -1):
        backward_one(network, memory, k, tile.rows, later)
