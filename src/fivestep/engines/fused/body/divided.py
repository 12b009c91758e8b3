"""The five steps of a larger dense network, divided among threads by units, from the rows to the update.

A core that works on what another has written waits for it, and one that writes what another has read waits longer
(`meeting.py`). So each thread keeps to units of its own: it computes their values for all rows of the batch, the
gradient of their weights, and their update, and nobody else touches these. Of the last layer it owns inputs instead:
the units that it has just computed. For two layers, threads then tell one another only their part of the logits and
the gradient of the logits of their rows: two meetings in a step, and a few kilobytes. Every further hidden layer takes
the values and the gradients of all units, which go past the caches.

Between the layers lie levels: level 0 holds the inputs, level l what layer l - 1 made of them; a level is a row of
panels (`panels.py`). Weights and gradients stay where the network has them, and are brought into panels when needed.
"""

from typing import Any, NamedTuple

from . import kinds as kind
from .activations import value_and_slope
from .divided_rows import Work, call_inputs, fill_rows, measure_own_rows
from .divided_update import Limits, update_own
from .lanes import apart, every, get, inline, load, prefetch, put, store, where, width
from .losses import Measure
from .masks import IN_A_STREAM, begin_bits, go_on_with_bits
from .meeting import meet, stream
from .numbers import numbers_at
from .panels import ROWS, add_tile, columns_times_panel, copy_into_panel, panel, rows_times_panel, turn_into_panel
from .passes import Remembered
from .rules import Descent, moment, powers_after, powers_at

NEAR = 32_768
"""Numbers of the rows that go through all panels of a thread before the next ones do: an eighth of a small cache."""

NEAR_BITS = 2**17
"""Random bits of dropout that a thread draws before it uses them: an eighth of a small cache too."""

NEAR_ROWS = 256
"""Rows whose products are added up before a gradient is touched: a panel of them fills the first cache."""

VALUES, SLOPES = 1, 2
"""What of a level all threads read, added up in `Divided.past`."""


class Divided(NamedTuple):
    """A network of linear layers, each with the activation behind it, and whose units are whose.

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
    """A thread by its number, and all that it works with."""

    number: int
    net: Divided
    room: Room
    own: Own


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


def train_divided(me: Thread, rules: tuple[Measure, Descent, Limits], work: Work, memory: Remembered) -> None:
    """What one thread does of the steps of a block. Each thread must call it, or leave the meeting."""
    (loss, rule, limits), before = rules, 0
    last, powers = me.net.kinds.size - 1, powers_at(rule, work.done)
    for part in range(work.starts.size):
        s, num_rows = work.steps[part], work.stops[part] - work.starts[part]
        later = part > 0 and work.steps[part - 1] == s
        before = before + work.stops[part - 1] - work.starts[part - 1] if later else 0
        rate = -work.rates[s] * me.own.parts.numbers[0, 0] if work.merges and work.l2[s] == 0.0 else 0.0

        # 1  predict
        fill_rows(work, part, me.own.x, me.net.capacity, own_reach(me, 0) if last == 0 else whole_reach(me, 0))
        for layer in range(last):
            if last > 1 and not meet(me.room.meeting, me.number, me.net.threads):
                return  # else others have found all units below, and moved their weights
            predict_units(me, layer, num_rows, before, (work.seed, work.done + s))
        predict_part(me, num_rows)

        # 2  measure, each thread its rows of the logits that all have a part of
        if not meet(me.room.meeting, me.number, me.net.threads):
            return
        work.losses[me.number, s] += measure_own_rows(me, loss, work, part)
        if not meet(me.room.meeting, me.number, me.net.threads):
            return

        # 3  forget the last gradient: the products of a step's first part write over it

        # 4  find the new one
        for layer in range(last, -1, -1):
            if 0 < layer < last and not meet(me.room.meeting, me.number, me.net.threads):
                return  # else others have found the slopes of their units above
            if layer > 0:
                find_slopes(me, layer, num_rows)
            if 0 < layer < last and not meet(me.room.meeting, me.number, me.net.threads):
                return  # else others have copied from the weights that are about to move
            if rate != 0.0 and s == work.rates.size - 1:  # once more, to be seen: weights move alike wherever it ends
                find_gradient(me, layer, (num_rows, 0.0, later), work, part + 1)
            find_gradient(me, layer, (num_rows, rate, later), work, part + 1)

        # 5  step downhill, after all parts
        if part + 1 < work.steps.size and work.steps[part + 1] == s:
            continue
        powers = powers_after(rule, powers, work.done + s + 1)
        now = moment(rule, work.done + s + 1, powers)
        if rate == 0.0 and not update_own(me, (rule, limits), work, memory, now):
            return


@apart
def predict_units(me: Thread, layer: int, num_rows: int, before: int, draws: tuple[Any, int]) -> None:
    """The values of the thread's units: a = f(x W^T + b), for rows that have some `before` them in the batch.

    `draws` are the seed of all draws, and the step.
    """
    net, own, to, num_in = me.net, me.own, own_reach(me, layer + 1), me.net.widths[layer]
    columns, step = panel(own.tile), net.capacity * panel(own.tile)
    a, at = inputs_of(me, layer)
    turn_weights(me, layer, to)
    near = near_rows(me, layer)
    for start in range(0, num_rows, near):
        count = min(near, num_rows - start)
        drawn = draw(me, layer, (before + start, count), draws)
        for p in range(to.first, to.last):
            mine = p - to.first
            for n in range(start, start + count, ROWS):
                if layer > 0:
                    coming = at + (n + near) * columns
                    call_rows(a, coming, step, -(-num_in // columns), (mine, to.last - to.first))
                rows = a, at + n * columns, step
                rows_times_panel(own.tile, rows, (own.panels, mine * num_in * columns), num_in)
                bits = drawn + (n - start) * net.widths[layer + 1] + p * columns
                activate_tile(me, layer, (mine, bits), net.values[layer + 1] + p * step + n * columns)


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
def turn_weights(me: Thread, layer: int, to: Reach) -> None:
    """The weights of the thread's units on their side, and their biases, 0 where there are none."""
    own, columns, num_in = me.own, panel(me.own.tile), me.net.widths[layer]
    for p in range(to.first, to.last):
        w = me.room.w, me.net.weights[layer] + p * columns * num_in, num_in
        shape, there = (min(columns, to.stop - p * columns), num_in), (p - to.first) * num_in * columns
        turn_into_panel(w, shape, (own.panels, there))
        for u in range(columns):
            bias, place = own.tile.dtype.type(0), p * columns + u
            if me.net.biases[layer] >= 0 and place < to.stop:
                bias = get(me.room.w, me.net.biases[layer] + place)
            put(own.bias, place - to.first * columns, bias)


@inline
def call_rows(a: Any, at: int, step: int, panels: int, share: tuple[int, int]) -> None:
    """Asks for a block of rows that come later, part share[0] of share[1] of their panels: they lie far away."""
    part, parts = share
    for p in range(panels * part // parts, panels * (part + 1) // parts):
        for k in range(0, ROWS * panel(a), width(a)):
            prefetch(a, min(at + p * step + k, a.size - 1))


@inline
def activate_tile(me: Thread, layer: int, of: tuple[int, int], at: int) -> None:
    """The values of a tile of sums, and their derivatives, where they belong.

    It is `of` a panel of the thread's; its bits of dropout begin at a place.
    """
    own, columns, which, number = me.own, panel(me.own.tile), me.net.kinds[layer], me.net.numbers[layer]
    (mine, bits), drops, num_units = of, me.net.dropped[layer] >= 0, me.net.widths[layer + 1]
    is_past = (me.net.past[layer + 1] & VALUES) > 0
    for r in range(ROWS):
        for c in range(0, columns, width(own.tile)):
            here = r * columns + c
            z, mask = load(own.tile, here) + load(own.bias, mine * columns + c), every(own.tile, 1.0)
            if drops:
                drawn = numbers_at(own.bits, bits + r * num_units + c, own.tile)
                mask = where(drawn < me.net.least[layer], 0.0, mask * me.net.scaled[layer])
            if which == kind.RELU:
                store_past(me.room.values, at + here, where(z < 0.0, 0.0, z) * mask, is_past)
            else:
                value, bend = value_and_slope(which, z, number)
                store_past(me.room.values, at + here, value * mask, is_past)
                store(me.room.bends, at + here, bend * mask)


@inline
def store_past(array: Any, index: int, value: Any, is_past: bool) -> None:
    """Stores a register, past the caches or into them."""
    if is_past:
        stream(array, index, value)
    else:
        store(array, index, value)


@apart
def predict_part(me: Thread, num_rows: int) -> None:
    """What the thread's inputs of the last layer add to the logits."""
    own, layer, of = me.own, me.net.kinds.size - 1, own_reach(me, me.net.kinds.size - 1)
    num_in, num_out, count = me.net.widths[layer], me.net.widths[layer + 1], of.stop - of.start
    columns, step = panel(own.tile), me.net.capacity * panel(own.tile)
    a, at = inputs_of(me, layer)
    for o in range(0, num_out, columns):
        outputs = min(columns, num_out - o)
        turn_into_panel(
            (me.room.w, me.net.weights[layer] + o * num_in + of.start, num_in), (outputs, count), (own.panels, 0)
        )
        there = me.number * me.net.capacity * num_out + o
        for n in range(0, num_rows, ROWS):
            rows_times_panel(own.tile, (a, at + of.first * step + n * columns, step), (own.panels, 0), count)
            add_tile(own.tile, 1.0, (me.room.parts, there + n * num_out, num_out), (ROWS, outputs), False)


@apart
def find_slopes(me: Thread, layer: int, num_rows: int) -> None:
    """The gradients of the layer's inputs that are the thread's units: dz = dz' W f'(z)."""
    net, own, of, num_out = me.net, me.own, own_reach(me, layer), me.net.widths[layer + 1]
    columns, step, panels = panel(own.tile), net.capacity * panel(own.tile), -(-num_out // panel(own.tile))
    for p in range(of.first, of.last):
        w = me.room.w, net.weights[layer] + p * columns, net.widths[layer]
        shape = num_out, min(columns, of.stop - p * columns)
        copy_into_panel(w, shape, (own.panels, (p - of.first) * num_out * columns))
    at, near = net.values[layer + 1], max(ROWS, NEAR // num_out // ROWS * ROWS)
    for start in range(0, num_rows, near):
        for p in range(of.first, of.last):
            mine = p - of.first
            for n in range(start, min(start + near, num_rows), ROWS):
                call_rows(me.room.slopes, at + (n + near) * columns, step, panels, (mine, of.last - of.first))
                rows = me.room.slopes, at + n * columns, step
                rows_times_panel(own.tile, rows, (own.panels, mine * num_out * columns), num_out)
                bend_tile(me, layer, net.values[layer] + p * step + n * columns)


@inline
def bend_tile(me: Thread, layer: int, at: int) -> None:
    """A tile of slopes times f'(z), where they belong."""
    which, scale = me.net.kinds[layer - 1], me.net.scaled[layer - 1]
    is_past = (me.net.past[layer] & SLOPES) > 0
    for k in range(0, ROWS * panel(me.own.tile), width(me.own.tile)):
        slope = load(me.own.tile, k)
        if which == kind.RELU:
            slope = slope * where(load(me.room.values, at + k) > 0.0, every(me.own.tile, scale), 0.0)
        elif which != kind.IDENTITY or me.net.dropped[layer - 1] >= 0:
            slope = slope * load(me.room.bends, at + k)
        store_past(me.room.slopes, at + k, slope, is_past)


@apart
def find_gradient(me: Thread, layer: int, how: tuple[int, float, bool], work: Work, following: int) -> None:
    """The gradient of the thread's weights, dW = dz^T x and db = 1^T dz; or at once the step W <- W + rate dz^T x.

    That of a later part is added. Meanwhile the rows of the `following` part are on their way.
    """
    (num_rows, rate, later), net, own, is_last = how, me.net, me.own, layer == me.net.kinds.size - 1
    num_in, columns, step = net.widths[layer], panel(own.tile), net.capacity * panel(own.tile)
    inputs = own_reach(me, layer) if is_last else whole_reach(me, layer)
    units = whole_reach(me, layer + 1) if is_last else own_reach(me, layer + 1)
    x, at = inputs_of(me, layer)
    out, merges = me.room.w if rate != 0.0 else me.room.g, rate != 0.0
    tiles, done = -(-num_rows // NEAR_ROWS) * (inputs.last - inputs.first) * -(-(units.stop - units.start) // ROWS), 0
    for start in range(0, num_rows, NEAR_ROWS):
        count = min(NEAR_ROWS, num_rows - start)
        for p in range(inputs.first, inputs.last):
            for o in range(units.start, units.stop, ROWS):
                if layer == 0:
                    call_inputs(work, following, inputs, (done, tiles))
                    done += 1
                dz = net.values[layer + 1] + o // columns * step + start * columns + o % columns
                further = step if o // columns + 1 < units.last else columns
                left, right = (me.room.slopes, dz, further), (x, at + p * step + start * columns)
                columns_times_panel(own.tile, left, right, count)
                shape = min(ROWS, units.stop - o), min(columns, inputs.stop - p * columns)
                w = out, net.weights[layer] + o * num_in + p * columns, num_in
                add_tile(own.tile, rate if merges else 1.0, w, shape, merges or later or start > 0)
    if net.biases[layer] >= 0 and (not is_last or me.number == 0):
        for p in range(units.first, units.last):
            find_gradient_of_biases(me, layer, p, how)


@apart
def find_gradient_of_biases(me: Thread, layer: int, p: int, how: tuple[int, float, bool]) -> None:
    """The same for a panel of biases."""
    (num_rows, rate, later), own, columns = how, me.own, panel(me.own.tile)
    at = me.net.values[layer + 1] + p * me.net.capacity * columns
    for c in range(0, columns, width(own.tile)):
        total = every(own.tile, 0.0)
        for n in range(num_rows):
            total = total + load(me.room.slopes, at + n * columns + c)
        store(own.tile, c, total)
    shape, merges = (1, min(columns, me.net.widths[layer + 1] - p * columns)), rate != 0.0
    bias = me.room.w if merges else me.room.g, me.net.biases[layer] + p * columns, columns
    add_tile(own.tile, rate if merges else 1.0, bias, shape, merges or later)
