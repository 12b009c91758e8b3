"""A first layer whose inputs are mostly 0, divided among threads by units: `nonzeros.py` does its two products.

Rows stay as they are stored, bytes for images, since a number is made only of those that are not 0. The weights of a
thread's units are transposed into panels; where a step does nothing but add to them, they stay there for a block of
steps.
"""

from typing import Any

from .divided_rows import Work, prefetch_inputs, stored_row
from .divided_units import activate_tile, bring_biases
from .division import Dense, Nonzeros, Thread, draw, near_rows, own_reach, whole, whole_reach
from .lanes import apart, by_type, get, load, put, store, width
from .nonzeros import AT_ONCE, add_to_group, copy_panel, group_of, mark_rows, nonzeros
from .panels import ROWS, add_tile, panel, transpose_into_panel
from .transpose import transpose_part


@apart
def copy_rows(me: Thread, work: Work, part: int) -> None:
    """Fills the thread's panels with the inputs of a part, as they are stored."""
    start, stop, num_in, rows = work.starts[part], work.stops[part], me.net.widths[0], me.inputs.rows
    columns, capacity = panel(me.own.tile), me.net.capacity
    whole_panels = num_in // columns
    for place in range(start, stop):
        here, there = stored_row(work, place, stop, (0, num_in)), (place - start) * columns
        for p in range(whole_panels):
            copy_panel(work.stored, here + p * columns, rows, there + p * capacity * columns, me.own.tile)
        for i in range(whole_panels * columns, num_in):
            put(rows, there + whole_panels * (capacity - 1) * columns + i, get(work.stored, here + i))


@apart
def transpose_weights(me: Thread) -> None:
    """The weights of the thread's units, transposed, from where the network has them."""
    to, num_in, columns = own_reach(me, 1), me.net.widths[0], panel(me.own.tile)
    for p in range(to.first, to.last):
        w = me.room.w, me.net.weights[0] + p * columns * num_in, num_in
        shape = min(columns, to.stop - p * columns), num_in
        transpose_into_panel(w, shape, (me.inputs.weights, (p - to.first) * num_in * columns))


@apart
def put_weights_back(me: Thread) -> None:
    """The same weights, to where the network has them."""
    to, num_in, columns = own_reach(me, 1), me.net.widths[0], panel(me.own.tile)
    for p in range(to.first, to.last):
        w = me.room.w, me.net.weights[0] + p * columns * num_in, num_in
        shape = num_in, min(columns, to.stop - p * columns)
        transpose_part((me.inputs.weights, (p - to.first) * num_in * columns, columns), shape, w)


@apart
def forward_nonzeros(me: Thread, num_rows: int, before: int, draws: tuple[Any, int]) -> None:
    """The values of the thread's units behind the first layer: a = f(x W^T + b)."""
    net, own, inputs, to, factor = me.net, me.own, me.inputs, own_reach(me, 1), me.net.factors[0] * me.inputs.scale
    columns, step, near = panel(own.tile), net.capacity * panel(own.tile), near_rows(me, 0)
    bring_biases(me, 0, to)
    if not inputs.stay:
        transpose_weights(me)
    first = to.first
    while first < to.last:
        count = group_of(to.last - first)
        add_products(me, first, count, num_rows)
        first += count
    for start in range(0, num_rows, near):
        count = min(near, num_rows - start)
        drawn = draw(me, 0, (before + start, count), draws)
        for p in range(to.first, to.last):
            for n in range(start, start + count, ROWS):
                bits, at = drawn + (n - start) * net.widths[1] + p * columns, p * step + n * columns
                sums = me.room.values, net.values[1] + at, factor
                activate_tile(me, 0, sums, (p - to.first, bits), at)


@apart
def add_products(me: Thread, first: int, count: int, num_rows: int) -> None:
    """The sums of the units in a group of panels, where their values will be."""
    net, inputs, num_in, columns = me.net, me.inputs, me.net.widths[0], panel(me.own.tile)
    step, beside, mine = net.capacity * columns, num_in * columns, first - own_reach(me, 1).first
    for i in range(-(-num_in // columns)):
        right = inputs.weights, mine * beside + i * columns * columns, beside, columns
        for n in range(0, whole(num_rows, ROWS), 2):
            here, there = i * step + n * columns, net.values[1] + first * step + n * columns
            bits = nonzeros(inputs.rows, here, me.own.tile), nonzeros(inputs.rows, here + columns, me.own.tile)
            into, left = (me.room.values, there, step, columns), (inputs.rows, here, columns, 1)
            add_to_group(count, into, left, right, bits, i == 0)


@apart
def weight_gradient_of_nonzeros(me: Thread, how: tuple[int, float, bool], work: Work, following: int) -> None:
    """The gradient of the thread's weights, dW = dz^T x, or at once the step W <- W + rate dz^T x.

    Meanwhile the rows of the `following` part are on their way.
    """
    (num_rows, rate, later), inputs, units, columns = how, whole_reach(me, 0), own_reach(me, 1), panel(me.own.tile)
    factor = me.net.factors[0] * me.inputs.scale * (rate if rate != 0.0 else 1.0)
    for p in range(inputs.first, inputs.last):
        prefetch_inputs(work, following, inputs, (p, inputs.last))
        those, first = (p, min(columns, inputs.stop - p * columns)), units.first
        while first < units.last:
            group = first, group_of(units.last - first)
            add_products_of_inputs(me, p, group, num_rows)
            if rate != 0.0 and me.inputs.stay:
                add_to_weights(me, those, group, factor)
            else:
                add_transposed(me, those, group, factor, (rate != 0.0, later))
            first += group[1]


@apart
def add_products_of_inputs(me: Thread, p: int, group: tuple[int, int], num_rows: int) -> None:
    """Sums over the rows, for the inputs of a panel and a group of units: a panel of units has a row for an input."""
    (first, count), net, inputs, columns = group, me.net, me.inputs, panel(me.own.tile)
    step = net.capacity * columns
    for start in range(0, num_rows, AT_ONCE):
        here, dz = p * step + start * columns, net.gradients[1] + first * step + start * columns
        mark_rows(inputs.rows, here, min(AT_ONCE, num_rows - start), me.own.tile, inputs.marks)
        for k in range(0, columns, 2):
            bits, left = (get(inputs.marks, k), get(inputs.marks, k + 1)), (inputs.rows, here + k, 1, columns)
            into, right = (
                (inputs.grown, k * columns, columns * columns, columns),
                (me.room.gradients, dz, step, columns),
            )
            add_to_group(count, into, left, right, bits, start == 0)


@apart
def add_to_weights(me: Thread, those: tuple[int, int], group: tuple[int, int], factor: float) -> None:
    """Such sums times a factor, added to the transposed weights; `those` are a panel of inputs, and how many."""
    (p, num_in), (first, count), weights, grown = those, group, me.inputs.weights, me.inputs.grown
    columns, beside, mine = panel(me.own.tile), me.net.widths[0] * panel(me.own.tile), first - own_reach(me, 1).first
    for q in range(count):
        here, there = q * columns * columns, (mine + q) * beside + p * columns * columns
        for k in range(0, num_in * columns, width(weights)):
            store(weights, there + k, load(weights, there + k) + load(grown, here + k) * factor)


@apart
def add_transposed(
    me: Thread, those: tuple[int, int], group: tuple[int, int], factor: float, to: tuple[bool, bool]
) -> None:
    """The same, added `to` the network's weights or its gradient, of which the latter is forgotten if not `later`."""
    (p, num_in), (first, count), (merges, later), columns = those, group, to, panel(me.own.tile)
    units, step = own_reach(me, 1), me.net.widths[0]
    for o in range(first, first + count):
        transpose_part(
            (me.inputs.grown, (o - first) * columns**2, columns), (columns, columns), (me.inputs.transposed, 0, columns)
        )
        out = me.room.w if merges else me.room.g, me.net.weights[0] + o * columns * step + p * columns, step
        add_tile(me.inputs.transposed, factor, out, (min(columns, units.stop - o * columns), num_in), merges or later)


def _nothing_stays(_inputs: Dense, _me: Thread) -> None:
    """Weights are where the network has them."""


def _begin_staying(inputs: Nonzeros, me: Thread) -> None:
    if inputs.stay:
        transpose_weights(me)


def _end_staying(inputs: Nonzeros, me: Thread) -> None:
    if inputs.stay:
        put_weights_back(me)


begin_block = by_type({Dense: _nothing_stays, Nonzeros: _begin_staying})
end_block = by_type({Dense: _nothing_stays, Nonzeros: _end_staying})
