"""A network whose units are divided among threads: whose units are whose, what threads share, what each has for itself.

Between the layers lie levels: level 0 holds the inputs, level l what layer l - 1 made of them; a level is a row of
panels (`panels.py`). Weights and gradients stay where the network has them, and are brought into panels when needed.
"""

from typing import Any, NamedTuple

from . import kinds as kind
from .activations import value_and_slope
from .lanes import by_type, every, inline, load, store, where
from .masks import IN_A_STREAM, begin_bits, go_on_with_bits
from .meeting import stream
from .numbers import numbers_at
from .panels import ROWS, panel

NEAR = 32_768
"""Numbers of the rows that go through all panels of a thread before the next ones do: an eighth of a small cache."""

NEAR_BITS = 2**17
"""Random bits of dropout that a thread draws before it uses them: an eighth of a small cache too."""

VALUES, SLOPES = 1, 2
"""What of a level all threads read, added up in `Divided.past`."""


class Divided(NamedTuple):
    """A network of layers, each with the activation behind it, and whose units are whose.

    Layers are linear, but for those that `Passes` says something else of.

    By layer: `kinds` and `numbers` of activations; of the dropout behind it, its number among all layers, `dropped`
    (-1: none), the `least` number of bits that stays, and what is left is `scaled` by; where `weights` and `biases` lie
    in the flat vector (-1: none). By level: `widths`, and where its `values` begin in the room for them; what all
    threads read of it goes `past` the caches. `firsts[level (threads + 1) + t]` is the first panel of thread t. A panel
    has room for `capacity` rows.
    """

    kinds: Any
    numbers: Any
    dropped: Any
    least: Any
    scaled: Any
    widths: Any
    weights: Any
    biases: Any
    values: Any
    firsts: Any
    past: Any
    capacity: int
    threads: int


class Room(NamedTuple):
    """What threads share.

    The parameters and their gradient; the `values` of all levels, and f'(z) in `bends` unless it is relu's; gradients
    in `slopes`; the part of the logits that each thread has found; the place where they meet; the squares of each one's
    gradient.
    """

    w: Any
    g: Any
    values: Any
    bends: Any
    slopes: Any
    parts: Any
    meeting: Any
    squares: Any


class Own(NamedTuple):
    """What a thread has for itself.

    The inputs; weights of one layer in panels, and biases; a tile (ROWS, panel); room for the loss; random `bits` of
    some rows of one layer, the same memory as `words`, and what the generator of each layer goes on with in `streams`;
    the `parts` of the parameters that it moves.
    """

    x: Any
    panels: Any
    bias: Any
    tile: Any
    loss: Any
    bits: Any
    words: Any
    streams: Any
    parts: Any


class Thread(NamedTuple):
    """A thread by its number, and all that it works with; `between` is `Alone` or `Passes`."""

    number: int
    net: Divided
    between: Any
    room: Room
    own: Own


class Alone(NamedTuple):
    """That all layers are linear, and none takes what another one has made besides what the last one has."""

    num_layers: int


class Passes(NamedTuple):
    """The layers that are not linear, and the levels that go on twice: compiled for networks that have such.

    By layer: `kinds` says whether it is linear, a norm, or neither, with the same units on both sides; `eps` and
    `momenta` (0: plain means) of norms, and where the `running` mean of one over the batch lies in the `buffers`,
    before the variance and the number of batches; which level `joins` what it makes (-1: none), before its activation.
    By level: that of whose gradient it gets a share `also` (-1: none). What a norm keeps of a step begins at
    `places[layer]` of `kept` (`divided_passes.py`). Layers `share` levels if one that is neither first nor last is
    linear.
    """

    kinds: Any
    eps: Any
    momenta: Any
    running: Any
    joins: Any
    also: Any
    places: Any
    buffers: Any
    kept: Any
    shares: bool


class Reach(NamedTuple):
    """Panels of a level, and the units in them: from the first up to the one after the last."""

    first: int
    last: int
    start: int
    stop: int


@inline
def own_reach(me: Thread, level: int) -> Reach:
    """Those of the thread."""
    at = level * (me.net.threads + 1) + me.number
    first, last = me.net.firsts[at], me.net.firsts[at + 1]
    columns, num_units = panel(me.own.tile), me.net.widths[level]
    return Reach(first, last, min(first * columns, num_units), min(last * columns, num_units))


@inline
def whole_reach(me: Thread, level: int) -> Reach:
    """All of them."""
    return Reach(0, -(-me.net.widths[level] // panel(me.own.tile)), 0, me.net.widths[level])


@inline
def inputs_of(me: Thread, layer: int) -> Any:
    """Where the inputs of a layer lie."""
    return (me.own.x, 0) if layer == 0 else (me.room.values, me.net.values[layer])


@inline
def near_rows(me: Thread, layer: int) -> int:
    """Rows that go through all panels of the thread before the next ones do."""
    near: int = NEAR // me.net.widths[layer]
    if me.net.dropped[layer] >= 0:
        near = min(near, NEAR_BITS // me.net.widths[layer + 1])
    return max(ROWS, near // ROWS * ROWS)


@inline
def draw(me: Thread, layer: int, rows: tuple[int, int], draws: tuple[Any, int]) -> int:
    """The bits of the dropout behind a layer, if there is one, and where they begin.

    Those of `rows`, the first and how many, which follow the rows before: parts of a step, and rows in a part, come in
    their order, and the first row of a step begins.
    """
    number, at, (seed, step) = me.net.dropped[layer], layer * IN_A_STREAM, draws
    if number < 0:
        return 0
    if rows[0] == 0:
        begin_bits(seed, (step, number), me.own.streams, at)
    num_units = me.net.widths[layer + 1]
    start: int = go_on_with_bits(me.own.streams, at, (rows[0] * num_units, rows[1] * num_units), me.own.words)
    return start


@inline
def store_past(array: Any, index: int, value: Any, is_past: bool) -> None:
    """Stores a register, past the caches or into them."""
    if is_past:
        stream(array, index, value)
    else:
        store(array, index, value)


def _nothing_joins(_between: Alone, _me: Thread, _layer: int, z: Any, _at: int) -> Any:
    return z


def _joined(between: Passes, me: Thread, layer: int, z: Any, at: int) -> Any:
    """Z with what joins it; `at` counts from where the level begins."""
    if between.joins[layer] < 0:
        return z
    x, start = inputs_of(me, between.joins[layer])
    return z + load(x, start + at)


joined = by_type({Alone: _nothing_joins, Passes: _joined})


def _no_other(_between: Alone, _me: Thread, _level: int, slope: Any, _at: int) -> Any:
    return slope


def _with_other(between: Passes, me: Thread, level: int, slope: Any, at: int) -> Any:
    """The gradient of a level with its share of another one's; `at` counts from where the level begins."""
    if between.also[level] < 0:
        return slope
    return slope + load(me.room.slopes, me.net.values[between.also[level]] + at)


with_other = by_type({Alone: _no_other, Passes: _with_other})


@inline
def finish(me: Thread, layer: int, z: Any, bits: int, at: int) -> None:
    """The values of some sums of a layer, and their derivatives, where they belong.

    `bits` is where those of their dropout begin; `at` counts from where the level begins.
    """
    net, own, which, there = me.net, me.own, me.net.kinds[layer], me.net.values[layer + 1] + at
    mask, drops, is_past = every(own.tile, 1.0), net.dropped[layer] >= 0, (net.past[layer + 1] & VALUES) > 0
    z = joined(me.between, me, layer, z, at)
    if drops:
        mask = where(numbers_at(own.bits, bits, own.tile) < net.least[layer], 0.0, mask * net.scaled[layer])
    if which == kind.RELU:
        store_past(me.room.values, there, where(z < 0.0, 0.0, z) * mask, is_past)
    elif which == kind.IDENTITY and not drops:
        store_past(me.room.values, there, z, is_past)
    else:
        value, slope = value_and_slope(which, z, net.numbers[layer])
        store_past(me.room.values, there, value * mask, is_past)
        store(me.room.bends, there, slope * mask)


@inline
def bend(me: Thread, level: int, slope: Any, at: int) -> None:
    """The gradient of some values of a level times f'(z), where it belongs; `at` counts from where the level begins."""
    net, which, there = me.net, me.net.kinds[level - 1], me.net.values[level] + at
    slope = with_other(me.between, me, level, slope, at)
    if which == kind.RELU:
        scale = every(me.own.tile, net.scaled[level - 1])
        slope = slope * where(load(me.room.values, there) > 0.0, scale, 0.0)
    elif which != kind.IDENTITY or net.dropped[level - 1] >= 0:
        slope = slope * load(me.room.bends, there)
    store_past(me.room.slopes, there, slope, (net.past[level] & SLOPES) > 0)
