"""The forward pass of the layer `percentiles`, for networks in which nothing below it learns."""

from typing import Any

from .lanes import every, get, inline, load, put, total, where, width


def find_levels(x: Any, columns: Any, knots: Any, levels: Any, least: Any, y: Any) -> None:
    """Writes y (N, C + I): the level of each of the `columns` (C,) of x (N, I) among its knots (C, K), then x itself.

    A distance between knots that is smaller than `least`, the smallest normal number, counts as `least`.
    """
    num_rows, num_in, num_columns = x.shape[0], x.shape[1], knots.shape[0]
    for n in range(num_rows):
        here, there = n * num_in, n * (num_columns + num_in)
        for c in range(num_columns):
            put(y, there + c, level_of(get(x, here + columns[c]), c, knots, levels, least))
        for i in range(num_in):
            put(y, there + num_columns + i, get(x, here + i))


@inline
def level_of(number: Any, column: int, knots: Any, levels: Any, least: Any) -> Any:
    """The level of a number among the knots of a column."""
    num_knots = knots.shape[1]
    lower = _last_below(number, knots, column * num_knots, num_knots - 1)
    start, level = get(knots, lower), get(levels, lower)
    wide, rise = get(knots, lower + 1) - start, get(levels, lower + 1) - level
    share = (number - start) / max(least, wide)
    share = share if not share < 0 else knots.dtype.type(0)  # NaN stays NaN
    return level + rise * (share if not share > 1 else knots.dtype.type(1))


@inline
def _last_below(number: Any, knots: Any, first: int, count: int) -> int:
    """The place of the last of `count` knots that is below a number; if none is, of the first.

    Counts all that are below: in a binary search, the processor would mispredict half of the branches.
    """
    whole, below = count - count % width(knots), every(knots, 0.0)
    for k in range(first, first + whole, width(knots)):
        below = below + where(load(knots, k) < number, every(knots, 1.0), 0.0)
    found = int(total(below))
    for k in range(first + whole, first + count):
        found += get(knots, k) < number
    return first + max(found - 1, 0)
