"""Networks with branches, learned factors of units, or batch norms: operations that few networks have.

Such a network is another type, so that the other networks do not wait for these operations to be compiled.
"""

from typing import Any, NamedTuple

from . import kinds as kind
from .batch import BatchNormed, back_through_batch, normalize_as_known, normalize_batch
from .joins import Joined, add_branch_gradient, copy_branch, join, join_gradient
from .lanes import inline
from .network import Memory, Network, Tile, backward_one, drop, fill_network, forward_one

_fill: Any = inline(fill_network)


class Branched(NamedTuple):
    """A network, and for its batch norms the momenta and the places of the running statistics, by operation.

    A join, operation k of the network, takes buffer k and, as its other side, buffer `sources[k]`.
    """

    plain: Network
    momenta: Any
    running: Any
    num_out: int
    rows_at_once: int
    keeps_inputs: bool


@inline
def _batch_norm_at(network: Branched, k: int) -> BatchNormed:
    """Operation k as a batch norm."""
    plain, momentum, running = network.plain, network.momenta[k], network.running[k]
    return BatchNormed(plain.numbers[k], momentum, plain.inputs[k], plain.weights[k], plain.biases[k], running)


@inline
def _is_join(plain: Network, k: int) -> bool:
    """Whether operation k is a join, or multiplies each unit by a learned factor."""
    return bool(kind.SCALE <= plain.kinds[k] <= kind.TIMES and plain.kinds[k] != kind.BRANCH)


@inline
def _join_at(plain: Network, k: int, rows: int) -> Joined:
    """Operation k as a join."""
    side, here, there = plain.places[plain.sources[k]], plain.places[k], plain.places[k + 1]
    return Joined(plain.kinds[k], plain.inputs[k], plain.weights[k], side * rows, here * rows, there * rows)


@inline
def _places(plain: Network, k: int, rows: int) -> tuple[int, int]:
    """Where the inputs of operation k begin, and where its outputs do."""
    return plain.places[k] * rows, plain.places[k + 1] * rows


@inline
def _forward_other(plain: Network, memory: Memory, k: int, rows: int) -> None:
    """One operation that is neither dropout nor a batch norm."""
    if plain.kinds[k] == kind.BRANCH:
        here, there = _places(plain, k, rows)
        copy_branch(memory.values, here, there, plain.outputs[k] * rows)
    elif _is_join(plain, k):
        join(_join_at(plain, k, rows), memory.w, memory.values, rows)
    else:
        forward_one(plain, memory, k, rows)


def fill_branched(network: Branched, steps: Any, memory: Memory, tile: Tile, filled: int) -> None:
    """Copies the inputs of a tile into the first buffer."""
    _fill(network.plain, steps, memory, tile, filled)


def forward_branched(network: Branched, steps: Any, memory: Memory, tile: Tile, s: int) -> Any:
    """Computes the logits of a tile of step s, the whole batch if there is a batch norm; returns where they begin."""
    plain = network.plain
    for k in range(plain.kinds.size):
        if plain.kinds[k] == kind.DROPOUT:
            drop(plain, steps, memory, k, s, tile)
        elif plain.kinds[k] == kind.BATCH_NORM:
            places = _places(plain, k, tile.rows)
            normalize_batch(_batch_norm_at(network, k), memory, places, (tile.num_rows, tile.rows))
        else:
            _forward_other(plain, memory, k, tile.rows)
    return plain.places[plain.kinds.size] * tile.rows


def backward_branched(network: Branched, _steps: Any, memory: Memory, tile: Tile, later: bool) -> None:
    """The chain rule through the network."""
    plain, rows = network.plain, tile.rows
    for k in range(plain.kinds.size - 1, plain.first - 1, -1):
        here, there = _places(plain, k, rows)
        if plain.kinds[k] == kind.BATCH_NORM:
            sizes = tile.num_rows, rows
            back_through_batch(_batch_norm_at(network, k), memory, (here, there), sizes, later, k > plain.first)
        elif plain.kinds[k] == kind.BRANCH:
            add_branch_gradient(memory.gradients, here, there, plain.inputs[k] * rows)
        elif _is_join(plain, k):
            join_gradient(_join_at(plain, k, rows), memory, rows, later)
        else:
            backward_one(plain, memory, k, rows, later)


def evaluate_branched(network: Branched, memory: Memory, k: int, rows: int) -> None:
    """Operation k in evaluation mode."""
    if network.plain.kinds[k] == kind.BATCH_NORM:
        normalize_as_known(_batch_norm_at(network, k), memory, _places(network.plain, k, rows), rows)
    else:
        _forward_other(network.plain, memory, k, rows)
