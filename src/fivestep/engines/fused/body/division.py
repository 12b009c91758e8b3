"""A network whose units are divided among threads: whose units are whose, what threads share, what each has for itself.

Between the layers lie levels: level 0 holds the inputs, level l what layer l - 1 made of them; a level is a row of
panels (`panels.py`). Weights and gradients stay where the network has them, and are brought into panels when needed.

Networks are of several types, and compiled code has only what its own needs (`by_type`): `Alone` or `Passes` says what
lies between the products, `Plain` or `Learnt` what tables need besides.
"""

from typing import Any, NamedTuple

from .lanes import inline
from .masks import IN_A_STREAM, begin_bits, go_on_with_bits
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
    in the flat vector (-1: none), and the `factors` of products. By level: `widths`, and where its `values` begin in
    the room for them; what all threads read of it goes `past` the caches. `firsts[level (threads + 1) + t]` is the
    first panel of thread t. A panel has room for `capacity` rows.
    """

    kinds: Any
    numbers: Any
    dropped: Any
    least: Any
    scaled: Any
    widths: Any
    weights: Any
    biases: Any
    factors: Any
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

    The inputs; weights of one layer in panels, and biases; strengths of its units, and sums for their gradient; a tile
    (ROWS, panel); room for the loss; random `bits` of some rows of one layer, the same memory as `words`, and what the
    generator of each layer goes on with in `streams`; the `parts` of the parameters that it moves.
    """

    x: Any
    panels: Any
    bias: Any
    strengths: Any
    sums: Any
    tile: Any
    loss: Any
    bits: Any
    words: Any
    streams: Any
    parts: Any


class Thread(NamedTuple):
    """A thread by its number, and all it works with: `between` and `learnt` are of the network's types."""

    number: int
    net: Divided
    between: Any
    learnt: Any
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


class Plain(NamedTuple):
    """That nothing is learnt but weights and biases, and that the first layer takes the inputs as they are."""

    num_layers: int


class Learnt(NamedTuple):
    """What networks for tables have besides.

    By layer: where the strengths g of its activation lie in the flat vector, `strengths` (-1: none). How `far` the
    activation is from its sum, f(z) - z, has room like the values of all levels (`divided_strengths.py`). If it
    `has_columns`, layer 0 is no product, but makes units of single `columns` (`divided_columns.py`).
    """

    strengths: Any
    far: Any
    has_columns: bool
    columns: Any


class Reach(NamedTuple):
    """Panels of a level, and the units in them: from the first up to the one after the last."""

    first: int
    last: int
    start: int
    stop: int


@inline
def whole(count: int, of: int) -> int:
    """So many, and what fills up the last group of a size."""
    return -(-count // of) * of


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
