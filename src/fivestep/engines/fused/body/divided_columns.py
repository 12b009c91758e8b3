"""What a network for tables begins with, as threads do it that divide its units: `percentiles`, `periodic`, `scale`.

The units of the first level come from one column of the row each: its number, or its level among knots; that in waves,
where `waves.py` makes several units of it; times what the scale says. A thread does this for its own units, whose
columns are its own too, so that it needs nobody else for their gradients. Rows are lanes here: values are transposed
into panels, and gradients out of them.
"""

from typing import Any, NamedTuple

from .barrier import wait_for_all
from .division import Learned, Plain, Thread, own_reach, whole
from .lanes import apart, by_type, every, get, inline, load, put, store, width
from .levels import level_of
from .panels import panel
from .transpose import transpose_square
from .waves import Sides, Waves, dot, make_column, note, through_column


class Columns(NamedTuple):
    """The layers, as one.

    A column is a number of the row, from its place in `sources`, or the level of that number among the `knots` (C, K),
    whose `levels` are (C, K), in the row that `ranked` says (-1: the number itself). Knots that are less than `least`
    apart count as so far. The first `num_columns` of them become `dim` units each, with the parameters `waves`, whose
    gradients go into `gradients`; each other one is a unit behind these. Last come the factors of the scale, from
    `scale` on in the flat vector (-1: none).

    Room with rows as lanes: `sides`, where e has all units before the scale, and the gradients of these on the way
    back; and `scaled`, all units behind it, and theirs.
    """

    sources: Any
    ranked: Any
    knots: Any
    levels: Any
    least: Any
    num_columns: int
    dim: int
    waves: Waves
    gradients: Waves
    scale: int
    sides: Sides
    scaled: Any


@apart
def make_columns(columns: Columns, me: Thread, num_rows: int) -> bool:
    """The values of the thread's units of level 1, for some rows; False if another thread has left the work."""
    if not wait_for_all(me.room.barrier, me.number, me.net.threads):
        return False  # else others have read what is about to be written
    of, sides, scaled, rows = own_reach(me, 1), columns.sides, columns.scaled, columns.scaled.shape[1]
    count, num_waving = whole(num_rows, width(scaled)), columns.num_columns * columns.dim
    for c in range(of.start // columns.dim, min(of.stop, num_waving) // columns.dim):
        _bring_numbers(columns, me, c, (sides.x, c * rows), num_rows)
        make_column(c, columns.waves, sides, count)
    for unit in range(max(of.start, num_waving), of.stop):
        which = columns.num_columns + unit - num_waving
        _bring_numbers(columns, me, which, (sides.e, unit * rows), num_rows)
    for unit in range(of.start, of.stop):
        _times(_factor(columns, me, unit), sides.e, scaled, unit * rows, count)
    _transpose(columns, me, count, True)
    return True


@apart
def find_columns_gradient(columns: Columns, me: Thread, num_rows: int, later: bool) -> None:
    """The gradient of all that the thread's units of level 1 are made with; that of a later part is added."""
    of, sides, scaled, rows = own_reach(me, 1), columns.sides, columns.scaled, columns.scaled.shape[1]
    count, num_waving = whole(num_rows, width(scaled)), columns.num_columns * columns.dim
    _transpose(columns, me, count, False)
    for unit in range(of.start, of.stop):
        for n in range(num_rows, count):
            put(scaled, unit * rows + n, scaled.dtype.type(0))  # rows that only fill up lanes
        if columns.scale >= 0:
            found = dot(scaled, unit * rows, sides.e, unit * rows, count)
            note(me.room.g, columns.scale + unit, found, later)
        _times(_factor(columns, me, unit), scaled, sides.e, unit * rows, count)
    for c in range(of.start // columns.dim, min(of.stop, num_waving) // columns.dim):
        through_column(c, columns.waves, sides, columns.gradients, (count, later))


@inline
def _bring_numbers(columns: Columns, me: Thread, which: int, to: tuple[Any, int], num_rows: int) -> None:
    """The numbers of a column, or their levels, side by side, and 0 to fill up lanes."""
    (out, at), x, wide, source = to, me.own.x, panel(me.own.tile), columns.sources[which]
    first, ranked = source // wide * me.net.capacity * wide + source % wide, columns.ranked[which]
    for n in range(num_rows):
        number = get(x, first + n * wide)
        if ranked >= 0:
            number = level_of(number, ranked, columns.knots, columns.levels, columns.least)
        put(out, at + n, number)
    for n in range(num_rows, whole(num_rows, width(x))):
        put(out, at + n, x.dtype.type(0))


@inline
def _factor(columns: Columns, me: Thread, unit: int) -> Any:
    """The scale of a unit, 1 where there is none."""
    return get(me.room.w, columns.scale + unit) if columns.scale >= 0 else me.room.w.dtype.type(1)


@inline
def _times(factor: Any, a: Any, out: Any, at: int, count: int) -> None:
    each = every(a, factor)
    for n in range(at, at + count, width(a)):
        store(out, n, load(a, n) * each)


@inline
def _transpose(columns: Columns, me: Thread, count: int, out: bool) -> None:
    """What is scaled, from sides into the values of level 1 or from their gradients, all of the thread's panels."""
    of, wide, scaled, rows = own_reach(me, 1), panel(me.own.tile), columns.scaled, columns.scaled.shape[1]
    for p in range(of.first, of.last):
        for n in range(0, count, width(scaled)):
            for i in range(0, wide, width(scaled)):
                side = (p * wide + i) * rows + n, rows
                there = p * me.net.capacity * wide + n * wide + i
                if out:
                    transpose_square(scaled, side, me.room.values, (me.net.values[1] + there, wide))
                else:
                    transpose_square(me.room.gradients, (me.net.gradients[1] + there, wide), scaled, side)


def _with_a_product(_learned: Plain) -> int:
    return 0


def _behind_columns(learned: Learned) -> Any:
    return 1 if learned.has_columns else 0


first_product = by_type({Plain: _with_a_product, Learned: _behind_columns})
"""The first layer that is one of the `Divided`'s own."""


def _begin_nothing(_learned: Plain, _me: Thread, _num_rows: int) -> bool:
    return True


def _begin_columns(learned: Learned, me: Thread, num_rows: int) -> Any:
    return not learned.has_columns or make_columns(learned.columns, me, num_rows)


begin = by_type({Plain: _begin_nothing, Learned: _begin_columns})
"""The way forward through what comes before it, if there are columns."""


def _end_nothing(_learned: Plain, _me: Thread, _num_rows: int, _later: bool) -> None:
    """All gradients are found."""


def _end_columns(learned: Learned, me: Thread, num_rows: int, later: bool) -> None:
    if learned.has_columns:
        find_columns_gradient(learned.columns, me, num_rows, later)


end = by_type({Plain: _end_nothing, Learned: _end_columns})
"""Its backward pass."""
