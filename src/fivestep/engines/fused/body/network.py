"""A network as a list of operations with buffers between them, and the chain rule through the list.

Buffer 0 holds the inputs, and buffer k + 1 the outputs of operation k. A buffer has the rows of a tile, as many as fit
into the cache, with the lanes along the rows. An elementwise operation overwrites its inputs, which are not needed
again, with its derivative. `gradients` has the shape of the buffers and holds their gradients; the backward pass of an
elementwise operation is its derivative times the gradient of its outputs.
"""

from typing import Any, NamedTuple

from . import kinds as kind
from .activations import activate
from .lanes import every, get, inline, load, put, store, where, width
from .linear import Matrix, add_products, weighted_gradients, weighted_sums
from .masks import draw_transposed
from .norms import Normed, find_norm_gradient, normalize, through_norm
from .numbers import numbers_at
from .order import row_at


class Network(NamedTuple):
    """The operations: kind, widths, places of weights and biases (-1: none), an option; `places` of buffers, in units.

    Operation k takes buffer `sources[k]`: k, unless there are branches. `first` is the first operation with parameters;
    nothing below it needs a gradient. Tiles have a multiple of `rows_at_once` rows; a step `keeps_inputs` unless an
    operation overwrites them with its derivative.
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
    """The body's memory: weights, gradient and the rule's memory in whole lanes, and buffers for `rows` rows.

    `buffers` hold the running statistics of batch norms, and as many numbers again for what they keep from forward to
    backward pass.
    """

    w: Any
    g: Any
    rule: Any
    values: Any
    gradients: Any
    targets: Any
    share: Any
    buffers: Any
    rows: int


class Tile(NamedTuple):
    """Rows of a step that fit into the cache: the first one, their number, and their number with padding."""

    start: int
    num_rows: int
    rows: int


def fill_network(_network: Network, steps: Any, memory: Memory, tile: Tile, _filled: int) -> None:
    """Copies the inputs of a tile, transposed, into the first buffer, padded with zeros to whole lanes."""
    (start, num_rows, rows), num_in = tile, steps.x.shape[1]
    for i in range(num_in):
        for r in range(num_rows):
            row = row_at(steps.order.rows, start + r)
            put(memory.values, i * rows + r, get(steps.x, row * num_in + i))
        for r in range(num_rows, rows):
            put(memory.values, i * rows + r, 0.0)


@inline
def drop(network: Network, steps: Any, memory: Memory, k: int, s: int, tile: Tile) -> None:
    """Dropout in step s; its derivative is the scaled mask.

    With the first tile of a step, the bits for all its rows are drawn.
    """
    masks, values, num_units, p = steps.masks, memory.values, network.outputs[k], network.numbers[k]
    rows, before, num_rows = tile.rows, tile.start - steps.starts[s], steps.stops[s] - steps.starts[s]
    if before == 0:
        draw_transposed(masks, (steps.done + s, k), (num_rows, num_units))
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
    """Whether operation k normalizes rows."""
    return bool(network.kinds[k] == kind.LAYER_NORM or network.kinds[k] == kind.RMS_NORM)


@inline
def norm_at(network: Network, k: int) -> Normed:
    """Operation k as a norm."""
    return Normed(network.kinds[k], network.numbers[k], network.inputs[k], network.weights[k], network.biases[k])


@inline
def is_by_element(network: Network, k: int) -> bool:
    """Whether operation k is elementwise, and so overwrites its inputs with its derivative."""
    return bool(network.kinds[k] == kind.DROPOUT or network.kinds[k] >= kind.IDENTITY)


@inline
def is_done_with(network: Network, k: int) -> bool:
    """Whether operation k is an activation that the linear layer before it has already applied."""
    if k == 0 or network.kinds[k - 1] != kind.LINEAR:
        return False
    return bool(network.kinds[k] == kind.RELU or network.kinds[k] == kind.TANH)


@inline
def forward_one(network: Network, memory: Memory, k: int, rows: int) -> None:
    """One operation other than dropout; a linear layer also applies a relu or tanh that follows."""
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
    """The chain rule through one operation: gradients of its parameters, and of its inputs where they are needed."""
    gradients, num_in, num_out = memory.gradients, network.inputs[k], network.outputs[k]
    here, there = network.places[network.sources[k]] * rows, network.places[k + 1] * rows
    if network.kinds[k] == kind.LINEAR:
        at, bias = network.weights[k], network.biases[k]
        add_products(Matrix(memory.g, at, num_out, num_in, num_in, 1, bias), memory, here, there, rows, later)
        if k > network.first:
            is_through = is_by_element(network, k - 1)
            to = network.places[k - 1] * rows if is_through else here
            weighted_gradients(
                Matrix(memory.w, at, num_in, num_out, 1, num_in, -1), memory, there, to, rows, is_through
            )
    elif is_norm(network, k):
        norm = norm_at(network, k)
        find_norm_gradient(norm, memory, (here, there), rows, later)
        if k > network.first:
            through_norm(norm, memory, (here, there), rows)
    elif k + 1 == network.kinds.size or network.kinds[k + 1] != kind.LINEAR:
        for r in range(0, num_in * rows, width(gradients)):
            store(gradients, here + r, load(memory.values, here + r) * load(gradients, there + r))


def forward_network(network: Network, steps: Any, memory: Memory, tile: Tile, s: int) -> Any:
    """Computes the logits of a tile of step s; returns where they begin."""
    for k in range(network.kinds.size):
        if network.kinds[k] == kind.DROPOUT:
            drop(network, steps, memory, k, s, tile)
        else:
            forward_one(network, memory, k, tile.rows)
    return network.places[network.kinds.size] * tile.rows


def backward_network(network: Network, _steps: Any, memory: Memory, tile: Tile, later: bool) -> None:
    """The chain rule through the network; if `later`, added to the gradient of the tiles before."""
    for k in range(network.kinds.size - 1, network.first - 1, -1):
        backward_one(network, memory, k, tile.rows, later)
