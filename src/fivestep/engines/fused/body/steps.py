"""The five steps as one compiled body: a block of steps without returning to Python.

The network is a list of operations, each with a buffer of values behind it: buffer 0 holds the inputs, buffer k + 1
what operation k made of buffer k. Rows lie side by side in a buffer, in tiles of as many as fit into the cache. An
elementwise operation leaves its derivative in place of what it took, which nobody needs any more. `slopes` has the
same shape and takes the gradients: on the way back, what is behind an elementwise operation times its derivative.
"""

from typing import Any, NamedTuple

from . import kinds as kind
from .activations import activate
from .batch import BatchNormed, back_through_batch, normalize_as_known, normalize_batch
from .further import ByMatrix, Further, update
from .hidden import Hidden, backward_hidden, fill_hidden, forward_hidden
from .joins import Joined, add_on, hand_on, join, part
from .lanes import by_type, every, get, inline, load, put, store, where, width
from .linear import Matrix, add_products, weighted_slopes, weighted_sums
from .losses import Measure, measure
from .masks import draw_turned
from .norms import Normed, find_norm_gradient, normalize, through_norm
from .numbers import numbers_at
from .rules import Rule, clip, penalize, powers_after, powers_at


class Network(NamedTuple):
    """The operations: kind, widths, where weights and biases lie (-1: none), an option, where buffers begin, in units.

    Operation k takes buffer `sources[k]`, which is k but for the second linear layer behind a branch; a join takes
    buffer k, and that one is its other side. `momenta` and `running` are those of batch norms. `first` is the first
    operation with parameters: below it nothing needs a gradient. Rows come in multiples of `rows_at_once`; a step
    `keeps_inputs` unless an operation writes its derivative over them.
    """

    kinds: Any
    inputs: Any
    outputs: Any
    weights: Any
    biases: Any
    numbers: Any
    places: Any
    sources: Any
    momenta: Any
    running: Any
    first: int
    num_out: int
    rows_at_once: int
    keeps_inputs: bool


class Steps(NamedTuple):
    """Rows, and the steps over them: step s takes places starts[s] to stops[s] - 1 with the rate rates[s].

    Before them `done` steps have been done. A place is an entry of `order`, or a row where `order` is empty. `share`
    (by place) is empty where all rows weigh alike. `masks` is where dropout draws. `losses` and `penalties` take the
    loss of each step and its L2 term of strength l2[s].
    """

    done: int
    x: Any
    y: Any
    order: Any
    share: Any
    starts: Any
    stops: Any
    rates: Any
    l2: Any
    masks: Any
    losses: Any
    penalties: Any


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


@inline
def in_lanes(num_rows: int, array: Any) -> Any:
    """That many rows and what fills up the last lanes."""
    return -(-num_rows // width(array)) * width(array)


def fill_network(_network: Network, steps: Steps, memory: Memory, tile: Tile, _filled: int) -> None:
    """Copies the inputs of a tile into the first buffer, side by side; zeros fill up the lanes."""
    (start, num_rows, rows), num_in = tile, steps.x.shape[1]
    for i in range(num_in):
        for r in range(num_rows):
            row = get(steps.order, start + r) if steps.order.size else start + r
            put(memory.values, i * rows + r, get(steps.x, row * num_in + i))
        for r in range(num_rows, rows):
            put(memory.values, i * rows + r, 0.0)


@inline
def fill_targets(steps: Steps, memory: Memory, tile: Tile, weight: float) -> None:
    """Copies the targets of a tile, and its shares, `weight` where all have the same; what fills up lanes weighs 0."""
    (start, num_rows, rows), num_targets = tile, steps.y.shape[1]
    for r in range(0, rows, width(memory.share)):
        store(memory.share, r, every(memory.share, weight))
    if steps.share.size:
        for r in range(num_rows):
            put(memory.share, r, get(steps.share, start + r))
    for r in range(num_rows, rows):
        put(memory.share, r, 0.0)
    for o in range(num_targets):
        for r in range(num_rows):
            row = get(steps.order, start + r) if steps.order.size else start + r
            put(memory.targets, o * rows + r, get(steps.y, row * num_targets + o))
        for r in range(num_rows, rows):
            put(memory.targets, o * rows + r, 0.0)


@inline
def drop(network: Network, steps: Steps, memory: Memory, k: int, s: int, tile: Tile) -> None:
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
def batch_norm_at(network: Network, k: int) -> BatchNormed:
    """Operation k as a norm over the batch."""
    at = network.weights[k], network.biases[k], network.running[k]
    return BatchNormed(network.numbers[k], network.momenta[k], network.inputs[k], at[0], at[1], at[2])


@inline
def is_join(network: Network, k: int) -> bool:
    """Whether operation k has a factor for each unit, or two sides."""
    return bool(kind.SCALE <= network.kinds[k] <= kind.TIMES and network.kinds[k] != kind.BRANCH)


@inline
def join_at(network: Network, k: int, rows: int) -> Joined:
    """Operation k as a join."""
    side, here, there = network.places[network.sources[k]], network.places[k], network.places[k + 1]
    return Joined(network.kinds[k], network.inputs[k], network.weights[k], side * rows, here * rows, there * rows)


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
    """One operation but dropout and batch norms; a linear layer with an activation behind it that is done at once."""
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
    elif network.kinds[k] == kind.BRANCH:
        hand_on(memory.values, here, there, num_out * rows)
    elif is_join(network, k):
        join(join_at(network, k, rows), memory.w, memory.values, rows)
    elif not is_done_with(network, k):
        activate(network.kinds[k], network.numbers[k], memory.values, here, there, num_out * rows)


@inline
def backward_one(network: Network, memory: Memory, k: int, tile: Tile, later: bool) -> None:
    """The chain rule through one operation; what it finds for the parameters goes to the gradient."""
    rows, slopes, num_in, num_out = tile.rows, memory.slopes, network.inputs[k], network.outputs[k]
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
    elif network.kinds[k] == kind.BATCH_NORM:
        sizes = tile.num_rows, rows
        back_through_batch(batch_norm_at(network, k), memory, (here, there), sizes, later, k > network.first)
    elif network.kinds[k] == kind.BRANCH:
        add_on(slopes, here, there, num_in * rows)
    elif is_join(network, k):
        part(join_at(network, k, rows), memory, rows, later)
    elif k + 1 == network.kinds.size or network.kinds[k + 1] != kind.LINEAR:
        for r in range(0, num_in * rows, width(slopes)):
            store(slopes, here + r, load(memory.values, here + r) * load(slopes, there + r))


@inline
def clear_beyond(values: Any, logits: int, num_out: int, tile: Tile) -> None:
    """Logits of 0 for what fills up lanes: it weighs nothing, but of a loss beyond all numbers that would be NaN."""
    for o in range(num_out):
        for r in range(tile.num_rows, tile.rows):
            put(values, logits + o * tile.rows + r, 0.0)


def forward_network(network: Network, steps: Steps, memory: Memory, tile: Tile, s: int) -> Any:
    """The logits of a tile of step s; returns where they lie."""
    for k in range(network.kinds.size):
        if network.kinds[k] == kind.DROPOUT:
            drop(network, steps, memory, k, s, tile)
        elif network.kinds[k] == kind.BATCH_NORM:
            places = network.places[k] * tile.rows, network.places[k + 1] * tile.rows
            normalize_batch(batch_norm_at(network, k), memory, places, (tile.num_rows, tile.rows))
        else:
            forward_one(network, memory, k, tile.rows)
    return network.places[network.kinds.size] * tile.rows


def backward_network(network: Network, _steps: Steps, memory: Memory, tile: Tile, later: bool) -> None:
    """The chain rule through the network; added to the gradient of the tiles before unless there is none."""
    for k in range(network.kinds.size - 1, network.first - 1, -1):
        backward_one(network, memory, k, tile, later)


fill_inputs = by_type({Network: fill_network, Hidden: fill_hidden})
forward = by_type({Network: forward_network, Hidden: forward_hidden})
backward = by_type({Network: backward_network, Hidden: backward_hidden})


def train_steps(
    network: Network | Hidden, loss: Measure, rule: Rule | Further | ByMatrix, steps: Steps, memory: Memory
) -> None:
    """The steps of a block: each is the five steps, over tiles of rows."""
    powers = powers_at(rule, steps.done)
    filled = memory.rows  # rows of the first buffer in which there may be numbers
    stays = False  # whether the rows of this step are those of the last one, and still in the first buffer
    for s in range(steps.rates.size):
        start, stop = steps.starts[s], steps.stops[s]
        losses = 0.0
        for place in range(start, stop, memory.rows):
            num_rows = min(memory.rows, stop - place)
            tile = Tile(place, num_rows, -(-num_rows // network.rows_at_once) * network.rows_at_once)
            if not stays:
                fill_targets(steps, memory, tile, 1.0 / (stop - start))
                fill_inputs(network, steps, memory, tile, filled)
                filled = num_rows

            # 1  predict
            logits = forward(network, steps, memory, tile, s)

            # 2  measure
            clear_beyond(memory.values, logits, network.num_out, tile)
            losses += measure(loss, memory, logits, network.num_out, tile.rows)

            # 3  forget the last gradient: the first tile of a step is put in its place
            later = place > start

            # 4  find the new one
            backward(network, steps, memory, tile, later)

        # 5  step downhill
        number = steps.done + s + 1
        steps.penalties[s] = penalize(rule, memory.w, memory.g, steps.l2[s])
        clip(memory.g, rule)
        powers = powers_after(rule, powers, number)
        update(rule, (memory.w, memory.g, memory.rule), steps.rates[s], number, powers)

        steps.losses[s] = losses
        following = min(s + 1, steps.rates.size - 1)
        same = start == steps.starts[following] and stop == steps.stops[following] and stop - start <= memory.rows
        stays = same and network.keeps_inputs


def predict_rows(network: Network, memory: Memory, x: Any, out: Any) -> None:
    """The logits of the rows x in evaluation mode, in which dropout hands on what it gets."""
    num_ops, num_out = network.kinds.size, out.shape[1]
    for start in range(0, x.shape[0], memory.rows):
        num_rows = min(memory.rows, x.shape[0] - start)
        rows = in_lanes(num_rows, memory.values)
        for i in range(x.shape[1]):
            for r in range(rows):
                memory.values[i * rows + r] = x[start + min(r, num_rows - 1), i]
        for k in range(num_ops):
            if network.kinds[k] == kind.BATCH_NORM:
                places = network.places[k] * rows, network.places[k + 1] * rows
                normalize_as_known(batch_norm_at(network, k), memory, places, rows)
            else:
                forward_one(network, memory, k, rows)
        for o in range(num_out):
            for r in range(num_rows):
                out[start + r, o] = memory.values[network.places[num_ops] * rows + o * rows + r]
