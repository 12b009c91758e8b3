"""What is not a product, between the units of two levels of a network that is divided: norms, and branches that join.

Each thread has the same units on both sides. A norm over the batch asks nobody else: all rows of a unit are its own. A
norm of each row does: each thread tells the others the mean of its units of the row and the squares about it, and they
meet once; in the backward pass they tell the two sums of the gradient (`layers/layer_norm.py` derives it). What came in
stays as it is, because a branch may begin there, and what is normalized is found again from it.

What a norm keeps begins with six numbers for each unit of whole panels: of a norm over the batch mean and scale; the
sums of dy and dy n; the weight g and the bias b. Then come, for each row and each thread, four numbers that it knows:
mean, scale, mean(dn) and mean(dn n) of the row; and four that it tells: the mean of its own units and the squares about
it, and its sums of dn and dn n.
"""

import math
from typing import Any

from . import kinds as kind
from .barrier import wait_for_all
from .batch import numbered
from .divided_strengths import bring_strengths, forget_strengths, note_strengths
from .divided_units import finish, through_activation
from .division import Thread, draw, inputs_of, near_rows, own_reach, whole
from .lanes import apart, every, get, inline, load, put, sqrt, store, total, where, width
from .norms import LEAST
from .panels import panel

MEAN, SCALE, SUM, ALONG, WEIGHT, BIAS = range(6)
"""What is kept of a unit; the first four of a row too, where a thread tells others its own share of them."""

OF_UNIT, OF_ROW = 6, 4


@inline
def _of_units(me: Thread, layer: int, which: int) -> int:
    """Where the numbers of the units begin that a norm keeps."""
    place: int = me.between.places[layer] + which * whole(me.net.widths[layer], panel(me.own.tile))
    return place


@inline
def _of_rows(me: Thread, layer: int, which: int, thread: int, told: int) -> int:
    """Where the numbers of the rows begin that a thread knows, or has `told` others."""
    step = whole(me.net.capacity, width(me.own.tile))
    place: int = _of_units(me, layer, OF_UNIT) + ((told * me.net.threads + thread) * OF_ROW + which) * step
    return place


@inline
def _kept(value: Any, count: int) -> Any:
    """The first lanes, as many as there are units, and 0."""
    return where(numbered(value) < count, value, 0.0)


@inline
def forward_other(me: Thread, layer: int, rows: tuple[int, int, int], draws: tuple[Any, int]) -> bool:
    """The values behind a layer without a product, of some rows; False if another thread has left the work."""
    which = me.between.kinds[layer]
    if (layer == 0 and me.between.shares) and not wait_for_all(me.room.barrier, me.number, me.net.threads):
        return False  # else others have read what is about to be written
    if which in (kind.LAYER_NORM, kind.RMS_NORM):
        sum_rows(me, layer, rows[0])
        if not wait_for_all(me.room.barrier, me.number, me.net.threads):
            return False
        settle_rows(me, layer, rows[0])
    elif which == kind.BATCH_NORM:
        settle_batch(me, layer, rows[0], rows[2])
    make_values(me, layer, rows, draws)
    return True


@apart
def sum_rows(me: Thread, layer: int, num_rows: int) -> None:
    """Of each row the mean of the thread's units, and the sum of squares about it, or about 0 without a mean."""
    kept, of, columns = me.between.kept, own_reach(me, layer), panel(me.own.tile)
    (x, at), step, each = inputs_of(me, layer), me.net.capacity * columns, 1.0 / (of.stop - of.start)
    means, squares = _of_rows(me, layer, MEAN, me.number, 1), _of_rows(me, layer, SCALE, me.number, 1)
    for n in range(num_rows):
        first = at + n * columns
        sums = spread = every(kept, 0.0)
        if me.between.kinds[layer] == kind.LAYER_NORM:
            for p in range(of.first, of.last):
                for c in range(0, columns, width(kept)):
                    sums = sums + _kept(load(x, first + p * step + c), of.stop - p * columns - c)
        mean = total(sums) * kept.dtype.type(each)
        for p in range(of.first, of.last):
            for c in range(0, columns, width(kept)):
                away = _kept(load(x, first + p * step + c) - mean, of.stop - p * columns - c)
                spread = spread + away * away
        put(kept, means + n, mean)
        put(kept, squares + n, total(spread))


@apart
def settle_rows(me: Thread, layer: int, num_rows: int) -> None:
    """The mean and the scale of each row, from what all threads have told."""
    kept, net, num_units, eps = me.between.kept, me.net, me.net.widths[layer], me.between.eps[layer]
    for n in range(0, num_rows, width(kept)):
        mean = spread = every(kept, 0.0)
        for t in range(net.threads):
            mean = mean + load(kept, _of_rows(me, layer, MEAN, t, 1) + n) * (_share(me, layer, t) / num_units)
        for t in range(net.threads):
            away = load(kept, _of_rows(me, layer, MEAN, t, 1) + n) - mean
            spread = spread + load(kept, _of_rows(me, layer, SCALE, t, 1) + n) + away * away * _share(me, layer, t)
        spread = spread * (1.0 / num_units)
        store(kept, _of_rows(me, layer, MEAN, me.number, 0) + n, mean)
        spread = spread + eps if eps > 0.0 else spread + LEAST(spread)
        store(kept, _of_rows(me, layer, SCALE, me.number, 0) + n, 1.0 / sqrt(spread))


@inline
def _share(me: Thread, layer: int, thread: int) -> int:
    """The units of a thread."""
    at, num_units, columns = layer * (me.net.threads + 1) + thread, me.net.widths[layer], panel(me.own.tile)
    count: int = min(me.net.firsts[at + 1] * columns, num_units) - min(me.net.firsts[at] * columns, num_units)
    return count


@apart
def settle_batch(me: Thread, layer: int, num_rows: int, part: int) -> None:
    """The mean and the scale of each unit, and the running statistics, which follow; batches are counted afterwards."""
    (x, at), kept, buffers, of = inputs_of(me, layer), me.between.kept, me.between.buffers, own_reach(me, layer)
    columns, means, scales = panel(kept), _of_units(me, layer, MEAN), _of_units(me, layer, SCALE)
    for p in range(of.first, of.last):
        for c in range(0, columns, width(kept)):
            first = at + p * me.net.capacity * columns + c
            sums = spread = every(kept, 0.0)
            for n in range(num_rows):
                sums = sums + load(x, first + n * columns)
            mean = sums * (1.0 / num_rows)
            for n in range(num_rows):
                away = load(x, first + n * columns) - mean
                spread = spread + away * away
            store(kept, means + p * columns + c, mean)
            store(kept, scales + p * columns + c, spread * (1.0 / num_rows))
    momentum, running = me.between.momenta[layer], me.between.running[layer]
    if momentum == 0.0:
        momentum = 1.0 / (get(buffers, running + 2 * me.net.widths[layer]) + part + 1.0)
    for u in range(of.start, of.stop):
        mean, variance = get(kept, means + u), get(kept, scales + u)
        before, variance_before = get(buffers, running + u), get(buffers, running + me.net.widths[layer] + u)
        put(buffers, running + u, before + momentum * (mean - before))
        of_rows = variance * (num_rows / (num_rows - 1.0))
        put(buffers, running + me.net.widths[layer] + u, variance_before + momentum * (of_rows - variance_before))
        put(kept, scales + u, 1.0 / math.sqrt(variance + me.between.eps[layer]))


@apart
def make_values(me: Thread, layer: int, rows: tuple[int, int, int], draws: tuple[Any, int]) -> None:
    """The values f(g n + b), with what joins the sum, of rows that have some `before` them in the batch."""
    (num_rows, before, _part), kept, of, net = rows, me.between.kept, own_reach(me, layer), me.net
    (x, at), columns, num_units, norms = inputs_of(me, layer), panel(kept), net.widths[layer], is_norm(me, layer)
    step, near = net.capacity * columns, near_rows(me, layer)
    bring_strengths(me.learned, me, layer, own_reach(me, layer + 1))
    if norms:
        bring_weights(me, layer, of.start, of.stop)
    for start in range(0, num_rows, near):
        count = min(near, num_rows - start)
        drawn = draw(me, layer, (before + start, count), draws)
        for p in range(of.first, of.last):
            for n in range(start, start + count):
                for c in range(p * columns, (p + 1) * columns, width(kept)):
                    here = p * step + n * columns + c - p * columns
                    z = load(x, at + here)
                    if norms:
                        z = normalized(me, layer, (n, c), z)
                        z = z * load(kept, _of_units(me, layer, WEIGHT) + c) + load(
                            kept, _of_units(me, layer, BIAS) + c
                        )
                    finish(me, layer, z, c - of.first * columns, drawn + (n - start) * num_units + c, here)


@inline
def is_norm(me: Thread, layer: int) -> bool:
    """Whether a layer normalises."""
    return bool(kind.LAYER_NORM <= me.between.kinds[layer] <= kind.BATCH_NORM)


@inline
def bring_weights(me: Thread, layer: int, start: int, stop: int) -> None:
    """The weights and biases of a norm beside what else is kept of its units: 1 and 0 where it has none."""
    kept, (weight, bias) = me.between.kept, (me.net.weights[layer], me.net.biases[layer])
    for u in range(start, stop):
        put(kept, _of_units(me, layer, WEIGHT) + u, get(me.room.w, weight + u) if weight >= 0 else kept.dtype.type(1))
        put(kept, _of_units(me, layer, BIAS) + u, get(me.room.w, bias + u) if bias >= 0 else kept.dtype.type(0))


@inline
def normalized(me: Thread, layer: int, place: tuple[int, int], x: Any) -> Any:
    """What a norm makes of some units of a row before their weights: n = (x - mean) s."""
    kept, (row, unit) = me.between.kept, place
    if me.between.kinds[layer] == kind.BATCH_NORM:
        return (x - load(kept, _of_units(me, layer, MEAN) + unit)) * load(kept, _of_units(me, layer, SCALE) + unit)
    mean = get(kept, _of_rows(me, layer, MEAN, me.number, 0) + row)
    return (x - mean) * get(kept, _of_rows(me, layer, SCALE, me.number, 0) + row)


@inline
def backward_other(me: Thread, layer: int, how: tuple[int, float, bool, bool]) -> bool:
    """A layer without a product, backward; False if another thread has left the work."""
    which = me.between.kinds[layer]
    if is_norm(me, layer):
        norm_gradient(me, layer, how)
    if layer == 0:
        return True
    if which in (kind.LAYER_NORM, kind.RMS_NORM):
        sum_gradients(me, layer, how[0])
        if not wait_for_all(me.room.barrier, me.number, me.net.threads):
            return False
        average_gradients(me, layer, how[0])
    store_gradients(me, layer, how[0], how[2])
    return True


@apart
def norm_gradient(me: Thread, layer: int, how: tuple[int, float, bool, bool]) -> None:
    """The gradient of a norm's weights, dg = sum dy n and db = sum dy over the rows; both are kept.

    Or at once a step of plain descent.
    """
    (num_rows, _rate, _later, _shows), kept, of = how, me.between.kept, own_reach(me, layer)
    (x, at), columns, dy_at = inputs_of(me, layer), panel(kept), me.net.gradients[layer + 1]
    for p in range(of.first, of.last):
        for c in range(p * columns, (p + 1) * columns, width(kept)):
            here = p * me.net.capacity * columns + c - p * columns
            of_bias = of_weight = every(kept, 0.0)
            for n in range(num_rows):
                dy = load(me.room.gradients, dy_at + here + n * columns)
                of_bias = of_bias + dy
                of_weight = of_weight + dy * normalized(me, layer, (n, c), load(x, at + here + n * columns))
            store(kept, _of_units(me, layer, SUM) + c, of_bias)
            store(kept, _of_units(me, layer, ALONG) + c, of_weight)
    for u in range(of.start, of.stop):
        store_gradient(me, me.net.weights[layer], (u, get(kept, _of_units(me, layer, ALONG) + u)), how)
        store_gradient(me, me.net.biases[layer], (u, get(kept, _of_units(me, layer, SUM) + u)), how)


@inline
def store_gradient(me: Thread, at: int, of: tuple[int, Any], how: tuple[int, float, bool, bool]) -> None:
    """The gradient of one unit of a norm's weights or biases, of which there may be none, where it belongs."""
    (_num_rows, rate, later, shows), (u, gradient), g = how, of, me.room.g
    if at < 0:
        return
    if rate == 0.0 or shows:
        put(g, at + u, gradient + (get(g, at + u) if later else g.dtype.type(0)))
    if rate != 0.0:
        put(me.room.w, at + u, get(me.room.w, at + u) + g.dtype.type(rate) * gradient)


@apart
def sum_gradients(me: Thread, layer: int, num_rows: int) -> None:
    """Of each row the sums of dn and dn n over the thread's units, with dn = g dy."""
    kept, of, columns, gradients = me.between.kept, own_reach(me, layer), panel(me.own.tile), me.room.gradients
    (x, at), step, dy_at = inputs_of(me, layer), me.net.capacity * columns, me.net.gradients[layer + 1]
    for n in range(num_rows):
        sums = along = every(kept, 0.0)
        for p in range(of.first, of.last):
            for c in range(0, columns, width(kept)):
                here, unit = p * step + n * columns + c, p * columns + c
                dn = load(gradients, dy_at + here) * load(kept, _of_units(me, layer, WEIGHT) + unit)
                n_of = normalized(me, layer, (n, unit), load(x, at + here))
                sums = sums + _kept(dn, of.stop - unit)
                along = along + _kept(dn * n_of, of.stop - unit)
        put(kept, _of_rows(me, layer, SUM, me.number, 1) + n, total(sums))
        put(kept, _of_rows(me, layer, ALONG, me.number, 1) + n, total(along))


@apart
def average_gradients(me: Thread, layer: int, num_rows: int) -> None:
    """The means of both over all units of each row; that of dn is 0 where the norm has no mean."""
    kept, net, each = me.between.kept, me.net, 1.0 / me.net.widths[layer]
    for n in range(0, num_rows, width(kept)):
        sums = along = every(kept, 0.0)
        for t in range(net.threads):
            sums = sums + load(kept, _of_rows(me, layer, SUM, t, 1) + n)
            along = along + load(kept, _of_rows(me, layer, ALONG, t, 1) + n)
        if me.between.kinds[layer] != kind.LAYER_NORM:
            sums = every(kept, 0.0)
        store(kept, _of_rows(me, layer, SUM, me.number, 0) + n, sums * each)
        store(kept, _of_rows(me, layer, ALONG, me.number, 0) + n, along * each)


@apart
def store_gradients(me: Thread, layer: int, num_rows: int, later: bool) -> None:
    """The gradient of what came in, dx = s (dn - mean(dn) - n mean(dn n)), or what came back."""
    kept, of, columns, norms = me.between.kept, own_reach(me, layer), panel(me.own.tile), is_norm(me, layer)
    (x, at), step, dy_at = inputs_of(me, layer), me.net.capacity * columns, me.net.gradients[layer + 1]
    forget_strengths(me.learned, me, layer - 1, of)
    for p in range(of.first, of.last):
        for n in range(num_rows):
            for c in range(p * columns, (p + 1) * columns, width(kept)):
                here = p * step + n * columns + c - p * columns
                dy = load(me.room.gradients, dy_at + here)
                if norms:
                    dy = back_through(me, layer, (n, c), (load(x, at + here), dy), num_rows)
                through_activation(me, layer, dy, c - of.first * columns, here)
    note_strengths(me.learned, me, layer - 1, of, later)


@inline
def back_through(me: Thread, layer: int, place: tuple[int, int], of: tuple[Any, Any], num_rows: int) -> Any:
    """The same for some units of a row."""
    kept, (row, unit), (x, dy) = me.between.kept, place, of
    n, weight = normalized(me, layer, place, x), load(kept, _of_units(me, layer, WEIGHT) + unit)
    if me.between.kinds[layer] == kind.BATCH_NORM:
        each = 1.0 / num_rows
        mean = load(kept, _of_units(me, layer, SUM) + unit) * each
        along = load(kept, _of_units(me, layer, ALONG) + unit) * each
        return (dy - mean - n * along) * (weight * load(kept, _of_units(me, layer, SCALE) + unit))
    mean = get(kept, _of_rows(me, layer, SUM, me.number, 0) + row)
    along = get(kept, _of_rows(me, layer, ALONG, me.number, 0) + row)
    return (dy * weight - mean - n * along) * get(kept, _of_rows(me, layer, SCALE, me.number, 0) + row)
