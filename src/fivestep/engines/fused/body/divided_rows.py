"""The rows of a step as threads take them that divide its units: inputs in panels, and the loss of each one's rows."""

from typing import Any, NamedTuple

from .division import Alone, Passes, Thread
from .lanes import apart, by_type, get, inline, prefetch, put, store, width
from .losses import Measure, measure
from .numbers import numbers_at
from .order import row_at
from .panels import panel
from .passes import AHEAD, LINE, lay_out_targets


class Work(NamedTuple):
    """The steps of a block, each in one part or several, whose gradients add up.

    Rows are as they are `stored`; times scale[0], and scale[1] added, they are numbers. Part p is of step steps[p], and
    has the places starts[p] to stops[p] - 1: entries of `order`, or rows where that is empty; targets and shares are by
    place, and without shares all rows of a part weigh alike. Before them `done` steps have been done. All but the last
    may `merge` gradient and update, where there is no L2 term. `losses` are by thread and step, and so is what its
    parameters add to the L2 term, of strength `l2` in each step, in `penalties`. `seed` is
    that of the draws.
    """

    stored: Any
    order: Any
    scale: Any
    targets: Any
    share: Any
    steps: Any
    starts: Any
    stops: Any
    rates: Any
    l2: Any
    losses: Any
    penalties: Any
    seed: Any
    done: int
    merges: bool


@inline
def prefetch_inputs(work: Work, p: int, reach: Any, share: tuple[int, int]) -> None:
    """Prefetches portion share[0] of share[1] of the rows of a part, while the part before goes on."""
    if p >= work.starts.size:
        return
    start, num_rows, num_in = work.starts[p], work.stops[p] - work.starts[p], work.stored.shape[1]
    (_first, _last, begin, end), (part, parts), step = reach, share, LINE // work.stored.itemsize
    for place in range(start + num_rows * part // parts, start + num_rows * (part + 1) // parts):
        here = row_at(work.order, place) * num_in
        for i in range(here + begin, here + end, step):
            prefetch(work.stored, i)
        prefetch(work.stored, here + end - 1)


@inline
def stored_row(work: Work, place: int, stop: int, inputs: tuple[int, int]) -> Any:
    """Where the row at a place begins in `work.stored`; prefetches a later row, if it comes before the place `stop`.

    Of that, the `inputs` from one up to, but without, another.
    """
    num_in = work.stored.shape[1]
    coming = row_at(work.order, min(place + AHEAD, stop - 1)) * num_in
    for i in range(inputs[0], inputs[1], LINE // work.stored.itemsize):
        prefetch(work.stored, coming + i)
    return row_at(work.order, place) * num_in


@apart
def convert_rows(work: Work, part: int, x: Any, capacity: int, reach: Any) -> None:
    """Fills panels of x with the inputs of a part, converted to its type and scaled."""
    first, last, begin, end = reach
    start, stop, columns = work.starts[part], work.stops[part], panel(x)
    for place in range(start, stop):
        here = stored_row(work, place, stop, (begin, end))
        for p in range(first, last):
            out = p * capacity * columns + (place - start) * columns
            count = min(columns, end - p * columns)
            whole = count - count % width(x)
            for c in range(0, whole, width(x)):
                store(x, out + c, numbers_at(work.stored, here + p * columns + c, x) * work.scale[0] + work.scale[1])
            for c in range(whole, count):
                put(x, out + c, x.dtype.type(get(work.stored, here + p * columns + c)) * work.scale[0] + work.scale[1])


@apart
def measure_own_rows(me: Any, loss: Measure, work: Work, part: int) -> Any:
    """The loss of the thread's rows of a part; its gradient with respect to the logits is stored for the last level."""
    num_rows, tile = work.stops[part] - work.starts[part], me.own.loss
    each = -(-num_rows // (me.net.threads * width(tile.values))) * width(tile.values)
    losses, end = tile.values.dtype.type(0), min((me.number + 1) * each, num_rows)
    for start in range(me.number * each, end, tile.rows):
        count = min(tile.rows, end - start)
        _lay_out(me, work, part, start, count)
        rows, num_out = -(-count // width(tile.values)) * width(tile.values), me.net.widths[me.net.kinds.size]
        losses += measure(loss, tile, 0, num_out, rows)
        columns, at = panel(tile.values), me.net.gradients[me.net.kinds.size]
        for r in range(count):
            for o in range(num_out):
                place = at + o // columns * me.net.capacity * columns + (start + r) * columns + o % columns
                put(me.room.gradients, place, get(tile.gradients, o * rows + r))
    return losses


def _as_it_is(_between: Alone, _me: Thread, _row: int, _output: int, logit: Any) -> Any:
    return logit


def _with_input(between: Passes, me: Thread, row: int, output: int, logit: Any) -> Any:
    """A logit with the input that joins it."""
    columns = panel(me.own.tile)
    if between.joins[between.joins.size - 1] < 0:
        return logit
    return logit + get(me.own.x, output // columns * me.net.capacity * columns + row * columns + output % columns)


with_inputs = by_type({Alone: _as_it_is, Passes: _with_input})


@apart
def _lay_out(me: Any, work: Work, part: int, start: int, count: int) -> None:
    """The logits of some rows, from the parts of all threads, with targets and shares, as `losses.py` takes them."""
    tile, last, zero = me.own.loss, me.net.kinds.size, me.own.tile.dtype.type(0)
    num_out, bias = me.net.widths[last], me.net.biases[last - 1]
    alike = tile.share.dtype.type(1.0 / (work.stops[part] - work.starts[part]))
    rows = -(-count // width(tile.values)) * width(tile.values)
    for o in range(num_out):
        for r in range(count):
            logit = get(me.room.w, bias + o) if bias >= 0 else zero
            for t in range(me.net.threads):
                logit += get(me.room.parts, (t * me.net.capacity + start + r) * num_out + o)
            logit = with_inputs(me.between, me, start + r, o, logit)
            put(tile.values, o * rows + r, logit)
        for r in range(count, rows):
            put(tile.values, o * rows + r, zero)
    lay_out_targets(tile, rows, count, (work.targets, work.share, work.starts[part] + start, alike))
