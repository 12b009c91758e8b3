"""The five steps of a larger dense network, divided among threads by units, from the rows to the update.

A core that works on what another has written waits for it, and one that writes what another has read waits longer
(`barrier.py`). So each thread keeps to units of its own: it computes their values for all rows of the batch, the
gradient of their weights, and their update, and nobody else touches these. Of the last layer it owns inputs instead:
the units that it has just computed. For two layers, threads then tell one another only their part of the logits and
the gradient of the logits of their rows: two meetings in a step, and a few kilobytes. Every further hidden layer takes
the values and the gradients of all units, which go past the caches.

`division.py` says what is where, `divided_passes.py` does layers that are not linear, and `divided_columns.py` those
that a network for tables begins with.
"""

from typing import Any

from . import kinds as kind
from .barrier import wait_for_all
from .divided_columns import begin, end, first_product
from .divided_nonzeros import begin_block, copy_rows, end_block, forward_nonzeros, weight_gradient_of_nonzeros
from .divided_passes import backward_other, forward_other
from .divided_rows import Work, convert_rows, measure_own_rows, prefetch_inputs
from .divided_strengths import forget_strengths, note_strengths
from .divided_units import activate_tile, bring_biases, through_activation
from .divided_update import Limits, update_own
from .division import (
    NEAR,
    Alone,
    Dense,
    Nonzeros,
    Own,
    Passes,
    Thread,
    draw,
    inputs_of,
    near_rows,
    own_reach,
    whole_reach,
)
from .lanes import apart, by_type, every, inline, load, prefetch, store, width
from .losses import Measure
from .panels import ROWS, add_tile, columns_times_panel, copy_into_panel, panel, rows_times_panel, transpose_into_panel
from .passes import Remembered
from .rules import Descent, corrections, powers_after, powers_at

NEAR_ROWS = 256
"""Rows whose products are added up before a gradient is touched: a panel of them fills the first cache."""


def train_divided(me: Thread, rules: tuple[Measure, Descent, Limits], work: Work, memory: Remembered) -> None:
    """What one thread does of the steps of a block. Each thread must call it, or leave the meeting."""
    begin_block(me.inputs, me)
    do_steps(me, rules, work, memory)
    end_block(me.inputs, me)


@inline
def do_steps(me: Thread, rules: tuple[Measure, Descent, Limits], work: Work, memory: Remembered) -> None:
    """The steps, until another thread has left the work."""
    (loss, rule, limits), before = rules, 0
    first, last, powers = first_product(me.learned), me.net.kinds.size - 1, powers_at(rule, work.done)
    for part in range(work.starts.size):
        s, num_rows = work.steps[part], work.stops[part] - work.starts[part]
        later = part > 0 and work.steps[part - 1] == s
        before = before + work.stops[part - 1] - work.starts[part - 1] if later else 0
        rate = -work.rates[s] * me.own.parts.numbers[0, 0] if work.merges and work.l2[s] == 0.0 else 0.0

        # 1  predict
        load_inputs(me.inputs, me, work, part)
        if not begin(me.learned, me, num_rows):
            return
        for layer in range(first, last):
            if not forward_level(me.between, me, layer, (num_rows, before, part), (work.seed, work.done + s)):
                return
        forward_last(me, num_rows)

        # 2  measure, each thread its rows of the logits that all have a part of
        if not wait_for_all(me.room.barrier, me.number, me.net.threads):
            return
        work.losses[me.number, s] += measure_own_rows(me, loss, work, part)
        if not wait_for_all(me.room.barrier, me.number, me.net.threads):
            return

        # 3  forget the last gradient: the products of a step's first part write over it

        # 4  find the new one
        for layer in range(last, first - 1, -1):
            shows = rate != 0.0 and s == work.rates.size - 1
            if not backward_level(me.between, me, layer, (num_rows, rate, later, shows), (work, part + 1)):
                return
        end(me.learned, me, num_rows, later)

        # 5  step downhill, after all parts
        if part + 1 < work.steps.size and work.steps[part + 1] == s:
            continue
        powers = powers_after(rule, powers, work.done + s + 1)
        now = corrections(rule, work.done + s + 1, powers)
        if rate == 0.0 and not update_own(me, (rule, limits), work, memory, now):
            return


def _convert_inputs(_inputs: Dense, me: Thread, work: Work, part: int) -> None:
    reach = own_reach(me, 0) if me.net.kinds.size == 1 else whole_reach(me, 0)
    convert_rows(work, part, me.own.x, me.net.capacity, reach)


def _copy_inputs(_inputs: Nonzeros, me: Thread, work: Work, part: int) -> None:
    copy_rows(me, work, part)


load_inputs = by_type({Dense: _convert_inputs, Nonzeros: _copy_inputs})
"""Loads the inputs of a part: all of them, or with a single layer those that are the thread's."""


@inline
def forward_linear(me: Thread, layer: int, rows: tuple[int, int, int], draws: tuple[Any, int], meets: bool) -> bool:
    """Any linear layer but the last, forward, for some rows; False if another thread has left the work."""
    if meets and not wait_for_all(me.room.barrier, me.number, me.net.threads):
        return False  # else others have found all units below, and moved their weights
    forward_own(me.inputs, me, layer, rows, draws)
    return True


def _forward_dense(_inputs: Dense, me: Thread, layer: int, rows: tuple[int, int, int], draws: tuple[Any, int]) -> None:
    forward_units(me, layer, rows[0], rows[1], draws)


def _forward_nonzeros(
    _inputs: Nonzeros, me: Thread, layer: int, rows: tuple[int, int, int], draws: tuple[Any, int]
) -> None:
    if layer == 0:
        forward_nonzeros(me, rows[0], rows[1], draws)
    else:
        forward_units(me, layer, rows[0], rows[1], draws)


forward_own = by_type({Dense: _forward_dense, Nonzeros: _forward_nonzeros})
"""The values of the thread's units behind a linear layer but the last."""


def _forward_alone(_between: Alone, me: Thread, layer: int, rows: tuple[int, int, int], draws: tuple[Any, int]) -> Any:
    return forward_linear(me, layer, rows, draws, me.net.kinds.size > 2)


def _forward_any(between: Passes, me: Thread, layer: int, rows: tuple[int, int, int], draws: tuple[Any, int]) -> Any:
    if between.kinds[layer] == kind.LINEAR:
        return forward_linear(me, layer, rows, draws, between.shares)
    return forward_other(me, layer, rows, draws)


forward_level = by_type({Alone: _forward_alone, Passes: _forward_any})


@inline
def backward_linear(me: Thread, layer: int, how: tuple[int, float, bool, bool], following: tuple[Work, int]) -> bool:
    """A linear layer, backward, for some rows; False if another thread has left the work.

    A gradient that is merged with the update is found once more where it `shows`: weights move alike wherever it ends.
    """
    (num_rows, rate, later, shows), is_between = how, 0 < layer < me.net.kinds.size - 1
    if is_between and not wait_for_all(me.room.barrier, me.number, me.net.threads):
        return False  # else others have found the gradients of their units above
    if layer > 0:
        input_gradient(me, layer, num_rows, later)
    if is_between and not wait_for_all(me.room.barrier, me.number, me.net.threads):
        return False  # else others have copied from the weights that are about to move
    for moves in range(0 if shows else 1, 2):
        gradient_of(me.inputs, me, layer, (num_rows, rate if moves else 0.0, later), following)
    return True


def _gradient_of_dense(
    _inputs: Dense, me: Thread, layer: int, how: tuple[int, float, bool], following: tuple[Work, int]
) -> None:
    weight_gradient(me, layer, how, following[0], following[1])
    bias_gradient(me, layer, how)


def _gradient_of_any(
    _inputs: Nonzeros, me: Thread, layer: int, how: tuple[int, float, bool], following: tuple[Work, int]
) -> None:
    if layer == 0:
        weight_gradient_of_nonzeros(me, how, following[0], following[1])
    else:
        weight_gradient(me, layer, how, following[0], following[1])
    bias_gradient(me, layer, how)


gradient_of = by_type({Dense: _gradient_of_dense, Nonzeros: _gradient_of_any})
"""The thread's part of the gradient of a linear layer, or of the step."""


def _backward_alone(
    _between: Alone, me: Thread, layer: int, how: tuple[int, float, bool, bool], following: tuple[Work, int]
) -> Any:
    return backward_linear(me, layer, how, following)


def _backward_any(
    between: Passes, me: Thread, layer: int, how: tuple[int, float, bool, bool], following: tuple[Work, int]
) -> Any:
    if between.kinds[layer] == kind.LINEAR:
        return backward_linear(me, layer, how, following)
    return backward_other(me, layer, how)


backward_level = by_type({Alone: _backward_alone, Passes: _backward_any})


@apart
def forward_units(me: Thread, layer: int, num_rows: int, before: int, draws: tuple[Any, int]) -> None:
    """The values of the thread's units: a = f(x W^T + b), for rows that have some `before` them in the batch.

    `draws` are the seed of all draws, and the step.
    """
    net, own, to, num_in = me.net, me.own, own_reach(me, layer + 1), me.net.widths[layer]
    columns, step = panel(own.tile), net.capacity * panel(own.tile)
    a, at = inputs_of(me, layer)
    bring_biases(me, layer, to)
    near, each = near_rows(me, layer), panels_at_a_time(own, num_in)
    for first in range(to.first, to.last, each):
        last = min(first + each, to.last)
        transpose_weights(me, layer, (first, last, to.stop))
        for start in range(0, num_rows, near):
            count = min(near, num_rows - start)
            drawn = draw(me, layer, (before + start, count), draws)
            for p in range(first, last):
                there, mine = (p - first) * num_in * columns, p - to.first
                for n in range(start, start + count, ROWS):
                    if layer > 0:
                        coming = at + (n + near) * columns
                        prefetch_rows(a, coming, step, -(-num_in // columns), (p - first, last - first))
                    rows = a, at + n * columns, step
                    rows_times_panel(own.tile, rows, (own.panels, there), num_in)
                    bits = drawn + (n - start) * net.widths[layer + 1] + p * columns
                    activate_tile(me, layer, (own.tile, 0, net.factors[layer]), (mine, bits), p * step + n * columns)


@inline
def panels_at_a_time(own: Own, count: int) -> int:
    """Of weights, `count` to a unit: all that a thread has, or as many as its room was made for, if they are large."""
    panels: int = own.panels.size // (count * panel(own.tile))
    return max(1, panels)


@inline
def transpose_weights(me: Thread, layer: int, some: tuple[int, int, int]) -> None:
    """Transposes the weights of the units in `some` panels: from the first one on, up to another, up to a unit."""
    (first, last, stop), own, columns, num_in = some, me.own, panel(me.own.tile), me.net.widths[layer]
    for p in range(first, last):
        w = me.room.w, me.net.weights[layer] + p * columns * num_in, num_in
        transpose_into_panel(
            w, (min(columns, stop - p * columns), num_in), (own.panels, (p - first) * num_in * columns)
        )


@inline
def prefetch_rows(a: Any, at: int, step: int, panels: int, share: tuple[int, int]) -> None:
    """Prefetches part share[0] of share[1] of the panels of a block of rows that come later."""
    part, parts = share
    for p in range(panels * part // parts, panels * (part + 1) // parts):
        for k in range(0, ROWS * panel(a), width(a)):
            prefetch(a, min(at + p * step + k, a.size - 1))


@apart
def forward_last(me: Thread, num_rows: int) -> None:
    """What the thread's inputs of the last layer add to the logits."""
    own, layer, of = me.own, me.net.kinds.size - 1, own_reach(me, me.net.kinds.size - 1)
    num_in, num_out, count = me.net.widths[layer], me.net.widths[layer + 1], of.stop - of.start
    columns, step = panel(own.tile), me.net.capacity * panel(own.tile)
    a, at = inputs_of(me, layer)
    for o in range(0, num_out, columns):
        outputs = min(columns, num_out - o)
        transpose_into_panel(
            (me.room.w, me.net.weights[layer] + o * num_in + of.start, num_in), (outputs, count), (own.panels, 0)
        )
        there = me.number * me.net.capacity * num_out + o
        for n in range(0, num_rows, ROWS):
            rows_times_panel(own.tile, (a, at + of.first * step + n * columns, step), (own.panels, 0), count)
            out = me.room.parts, there + n * num_out, num_out
            add_tile(own.tile, me.net.factors[layer], out, (ROWS, outputs), False)


@apart
def input_gradient(me: Thread, layer: int, num_rows: int, later: bool) -> None:
    """The gradients of the layer's inputs that are the thread's units: dz = dz' W f'(z)."""
    net, own, of, num_out = me.net, me.own, own_reach(me, layer), me.net.widths[layer + 1]
    columns, step, panels = panel(own.tile), net.capacity * panel(own.tile), -(-num_out // panel(own.tile))
    forget_strengths(me.learned, me, layer - 1, of)
    at, near, each = net.gradients[layer + 1], max(ROWS, NEAR // num_out // ROWS * ROWS), panels_at_a_time(own, num_out)
    for first in range(of.first, of.last, each):
        last = min(first + each, of.last)
        for p in range(first, last):
            w = me.room.w, net.weights[layer] + p * columns, net.widths[layer]
            shape = num_out, min(columns, of.stop - p * columns)
            copy_into_panel(w, shape, (own.panels, (p - first) * num_out * columns))
        for start in range(0, num_rows, near):
            for p in range(first, last):
                there, mine = (p - first) * num_out * columns, p - of.first
                for n in range(start, min(start + near, num_rows), ROWS):
                    coming = at + (n + near) * columns
                    prefetch_rows(me.room.gradients, coming, step, panels, (p - first, last - first))
                    rows = me.room.gradients, at + n * columns, step
                    rows_times_panel(own.tile, rows, (own.panels, there), num_out)
                    tile_through_activation(me, layer, (mine, min(ROWS, num_rows - n)), p * step + n * columns)
    note_strengths(me.learned, me, layer - 1, of, later)


@inline
def tile_through_activation(me: Thread, level: int, of: tuple[int, int], at: int) -> None:
    """Stores a tile of gradients times f'(z); `of` is the panel among the thread's, and the number of rows."""
    (mine, count), columns, factor = of, panel(me.own.tile), me.net.factors[level]
    for r in range(count):  # rows that only fill it up would count in the strengths' gradient
        for c in range(0, columns, width(me.own.tile)):
            here = r * columns + c
            through_activation(me, level, load(me.own.tile, here) * factor, mine * columns + c, at + here)


@apart
def weight_gradient(me: Thread, layer: int, how: tuple[int, float, bool], work: Work, following: int) -> None:
    """The gradient of the thread's weights, dW = dz^T x and db = 1^T dz; or at once the step W <- W + rate dz^T x.

    That of a later part is added. Meanwhile the rows of the `following` part are prefetched.
    """
    (num_rows, rate, later), net, own, is_last = how, me.net, me.own, layer == me.net.kinds.size - 1
    num_in, columns, step = net.widths[layer], panel(own.tile), net.capacity * panel(own.tile)
    inputs = own_reach(me, layer) if is_last else whole_reach(me, layer)
    units = whole_reach(me, layer + 1) if is_last else own_reach(me, layer + 1)
    x, at = inputs_of(me, layer)
    out, merges = me.room.w if rate != 0.0 else me.room.g, rate != 0.0
    factor = net.factors[layer] * (rate if merges else 1.0)
    tiles, done = -(-num_rows // NEAR_ROWS) * (inputs.last - inputs.first) * -(-(units.stop - units.start) // ROWS), 0
    for start in range(0, num_rows, NEAR_ROWS):
        count = min(NEAR_ROWS, num_rows - start)
        for p in range(inputs.first, inputs.last):
            for o in range(units.start, units.stop, ROWS):
                if layer == 0:
                    prefetch_inputs(work, following, inputs, (done, tiles))
                    done += 1
                dz = net.gradients[layer + 1] + o // columns * step + start * columns + o % columns
                further = step if o // columns + 1 < units.last else columns
                left, right = (me.room.gradients, dz, further), (x, at + p * step + start * columns)
                columns_times_panel(own.tile, left, right, count)
                shape = min(ROWS, units.stop - o), min(columns, inputs.stop - p * columns)
                w = out, net.weights[layer] + o * num_in + p * columns, num_in
                add_tile(own.tile, factor, w, shape, merges or later or start > 0)


@apart
def bias_gradient(me: Thread, layer: int, how: tuple[int, float, bool]) -> None:
    """The same for the biases, if there are any; those of the last layer belong to the first thread."""
    (num_rows, rate, later), own, columns, merges = how, me.own, panel(me.own.tile), how[1] != 0.0
    is_last = layer == me.net.kinds.size - 1
    if me.net.biases[layer] < 0 or (is_last and me.number != 0):
        return
    units = whole_reach(me, layer + 1) if is_last else own_reach(me, layer + 1)
    for p in range(units.first, units.last):
        at = me.net.gradients[layer + 1] + p * me.net.capacity * columns
        for c in range(0, columns, width(own.tile)):
            total = every(own.tile, 0.0)
            for n in range(num_rows):
                total = total + load(me.room.gradients, at + n * columns + c)
            store(own.tile, c, total)
        shape = 1, min(columns, me.net.widths[layer + 1] - p * columns)
        bias = me.room.w if merges else me.room.g, me.net.biases[layer] + p * columns, columns
        add_tile(own.tile, rate if merges else 1.0, bias, shape, merges or later)
