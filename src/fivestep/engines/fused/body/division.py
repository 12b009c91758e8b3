"""A network whose units are divided among threads: which units are whose, what threads share, and what each one owns.

The values between layers are levels: level 0 holds the inputs, level l the outputs of layer l - 1; a level is a row of
panels (`panels.py`). Weights and gradients stay in the network's flat vectors, and are copied into panels when needed.

Networks are of several types, so that compiled code contains only what its own network needs (`by_type`): `Alone` or
`Passes` says what comes between the products, `Plain` or `Learned` what networks for tables have in addition, `Dense`
or `Nonzeros` how the first product is done.
"""

from typing import Any, NamedTuple

from .lanes import inline
from .masks import IN_A_STREAM, continue_bits, start_bits
from .panels import ROWS, panel

NEAR = 32_768
"""Numbers of the rows that go through all panels of a thread before the next rows do: an eighth of a small cache."""

NEAR_BITS = 2**17
"""Random bits of dropout that a thread draws before it uses them: an eighth of a small cache too."""

VALUES, GRADIENTS = 1, 2
"""What all threads read of a level: bits of `Divided.past`."""


class Divided(NamedTuple):
    """A network of layers, each followed by its activation, and which units belong to which thread.

    Layers are linear, except where `Passes` says otherwise.

    By layer: `kinds` and `numbers` of the activations; for the dropout that follows, its number among all layers,
    `dropped` (-1: none), the `least` random number whose unit is kept, and the factor that kept units are `scaled` by;
    the places of `weights` and `biases` in the flat vector (-1: none); and the `factors` of the products. By level:
    `widths`, and where its `values` and its `gradients` begin in those of `Room`, which may be the same memory; what
    all threads read of it is stored `past` the caches.
    `firsts[level (threads + 1) + t]` is the first panel of thread t. A panel has room for `capacity` rows.
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
    gradients: Any
    firsts: Any
    past: Any
    capacity: int
    threads: int


class Room(NamedTuple):
    """What threads share.

    The parameters `w` and their gradient `g`; the `values` of all levels, the `derivatives` f'(z) unless they are
    relu's, and the `gradients` of the values; each thread's `parts` of the logits; the counters of the `barrier`; and
    the `squares` of each thread's gradient, for its norm.
    """

    w: Any
    g: Any
    values: Any
    derivatives: Any
    gradients: Any
    parts: Any
    barrier: Any
    squares: Any


class Own(NamedTuple):
    """What a thread owns.

    The inputs; one layer's weights in panels, and its biases; the strengths of its units, and sums for their gradient;
    a tile (ROWS, panel); room for the loss; random `bits` for some rows of one layer, in the same memory as `words`,
    and in `streams` the state of each layer's generator; the `parts` of the parameters that it updates.
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
    """A thread by its number, and all it works with; `inputs`, `between` and `learned` are of the network's types."""

    number: int
    net: Divided
    inputs: Any
    between: Any
    learned: Any
    room: Room
    own: Own


class Dense(NamedTuple):
    """That products of the first layer take all inputs."""

    num_layers: int


class Nonzeros(NamedTuple):
    """What a thread has for a first layer that leaves out inputs of 0 (`divided_nonzeros.py`).

    Its `rows` as they are stored, in panels, and what they are multiplied by, the `scale`; the `weights` of its units,
    transposed, and whether they `stay` so for a block; room for the gradient of a group of panels of units and one of
    inputs, `grown`, and for a panel of it `transposed`; `marks` of a panel's numbers that are not 0.
    """

    rows: Any
    scale: float
    weights: Any
    stay: bool
    grown: Any
    transposed: Any
    marks: Any


class Alone(NamedTuple):
    """All layers are linear, and each takes only the outputs of the one before it."""

    num_layers: int


class Passes(NamedTuple):
    """The layers that are not linear, and the levels that are used twice: compiled for networks that have such.

    By layer: `kinds` says whether it is linear, a norm, or neither, with the same units on both sides; the `eps` and
    `momenta` (0: plain means) of norms; where the `running` mean of a batch norm begins in the `buffers`, followed by
    the variance and the number of batches; the level that `joins` its outputs (-1: none), before the activation. By
    level: the level whose gradient is `also` added to its own (-1: none). What a norm keeps during a step begins at
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
    """Nothing but weights and biases is learned, and the first layer takes the inputs as they are."""

    num_layers: int


class Learned(NamedTuple):
    """What networks for tables have in addition.

    By layer: where the strengths g of its activation begin in the flat vector, `strengths` (-1: none). The differences
    f(z) - z are kept in `far`, laid out like the values of all levels (`divided_strengths.py`). If it `has_columns`,
    layer 0 is no product, but makes each unit from a single column (`columns`, `divided_columns.py`).
    """

    strengths: Any
    far: Any
    has_columns: bool
    columns: Any


class Reach(NamedTuple):
    """Panels `first` up to, but without, `last` of a level, and likewise the units `start` to `stop` in them."""

    first: int
    last: int
    start: int
    stop: int


@inline
def whole(count: int, of: int) -> int:
    """A count rounded up to whole groups of a size."""
    return -(-count // of) * of


@inline
def own_reach(me: Thread, level: int) -> Reach:
    """The panels and units of the thread."""
    at = level * (me.net.threads + 1) + me.number
    first, last = me.net.firsts[at], me.net.firsts[at + 1]
    columns, num_units = panel(me.own.tile), me.net.widths[level]
    return Reach(first, last, min(first * columns, num_units), min(last * columns, num_units))


@inline
def whole_reach(me: Thread, level: int) -> Reach:
    """All panels and units of a level."""
    return Reach(0, -(-me.net.widths[level] // panel(me.own.tile)), 0, me.net.widths[level])


@inline
def inputs_of(me: Thread, layer: int) -> Any:
    """The array that holds the inputs of a layer, and where they begin in it."""
    return (me.own.x, 0) if layer == 0 else (me.room.values, me.net.values[layer])


@inline
def near_rows(me: Thread, layer: int) -> int:
    """How many rows go through all panels of the thread before the next rows do."""
    near: int = NEAR // me.net.widths[layer]
    if me.net.dropped[layer] >= 0:
        near = min(near, NEAR_BITS // me.net.widths[layer + 1])
    return max(ROWS, near // ROWS * ROWS)


@inline
def draw(me: Thread, layer: int, rows: tuple[int, int], draws: tuple[Any, int]) -> int:
    """Draws the random bits of the dropout behind a layer, if there is one; returns where they begin.

    They are for `rows`, the first one and how many, which must follow the rows of the last call: the parts of a step
    come in order, and so do the rows of a part. Row 0 starts the generator of a step.
    """
    number, at, (seed, step) = me.net.dropped[layer], layer * IN_A_STREAM, draws
    if number < 0:
        return 0
    if rows[0] == 0:
        start_bits(seed, (step, number), me.own.streams, at)
    num_units = me.net.widths[layer + 1]
    start: int = continue_bits(me.own.streams, at, (rows[0] * num_units, rows[1] * num_units), me.own.words)
    return start
