"""The layer `periodic`, whose cosines and small products are most of what a network for tables does beside its layers.

Rows are lanes here: all that belongs to a column is then one number for all lanes, and sums over the rows are added up
in registers. What has rows one after another is transposed before and after. The formulas are derived in
`layers/periodic.py`: u = x f + p, v = cos(2 pi u), h = W v + b.
"""

from math import factorial, pi
from typing import Any, NamedTuple

from .lanes import (
    absolute,
    every,
    get,
    inline,
    load,
    nearest,
    polynomial,
    put,
    store,
    total,
    where,
    width,
    with_sign_of,
)
from .transpose import transpose_square

_SINE = polynomial(*(tuple((-1) ** k / factorial(2 * k + 1) for k in range(last, -1, -1)) for last in (6, 11)))
"""sin(z) / z by powers of z^2, for |z| up to pi/2: what is left out is below a rounding of float32, of float64."""

TURN = 2 * pi


class Waves(NamedTuple):
    """The parameters of a layer, or their gradients: f and p (C, k), W (C, h, k), b (C, h)."""

    frequency: Any
    phase: Any
    weight: Any
    bias: Any


class Sides(NamedTuple):
    """Room, with rows as lanes: x (C, rows), cos and -2 pi sin (C k, rows), numbers and gradients (C (1 + h), rows)."""

    x: Any
    cosines: Any
    derivatives: Any
    e: Any


@inline
def _quarter(t: Any) -> Any:
    """sin(2 pi t) for |t| up to 1/4."""
    z = t * TURN
    return z * _SINE(z * z)


@inline
def cosine_and_sine(u: Any) -> Any:
    """cos(2 pi u) and sin(2 pi u): of u only what lies between it and the nearest whole number counts."""
    rest = u - nearest(u)
    size = absolute(rest)
    return _quarter(0.25 - size), with_sign_of(rest, _quarter(where(size > 0.25, 0.5 - size, size)))


def make_waves(x: Any, columns: Any, waves: Waves, room: Sides, y: Any) -> None:
    """The first C (1 + h) columns of y (N, .) from the `columns` (C,) of x (N, I)."""
    num_rows, num_in, rows = x.shape[0], x.shape[1], room.x.shape[1]
    for c in range(columns.size):
        for n in range(rows):
            put(room.x, c * rows + n, get(x, n * num_in + columns[c]) if n < num_rows else x.dtype.type(0))
        make_column(c, waves, room, rows)
    _transpose_out(room.e, rows, y, columns.size * (waves.bias.shape[1] + 1))


@inline
def make_column(c: int, waves: Waves, room: Sides, count: int) -> None:
    """The values of a column from its numbers, for the first rows."""
    rows, num_waves, num_more = room.x.shape[1], waves.frequency.shape[1], waves.bias.shape[1]
    for r in range(0, count, width(room.x)):
        number, first = load(room.x, c * rows + r), c * (num_more + 1) * rows + r
        for k in range(c * num_waves, (c + 1) * num_waves):
            cosine, sine = cosine_and_sine(number * get(waves.frequency, k) + get(waves.phase, k))
            store(room.cosines, k * rows + r, cosine)
            store(room.derivatives, k * rows + r, sine * -TURN)
        store(room.e, first, number)
        for j in range(num_more):
            value, w = every(room.x, get(waves.bias, c * num_more + j)), (c * num_more + j) * num_waves
            for k in range(num_waves):
                value = value + get(waves.weight, w + k) * load(room.cosines, (c * num_waves + k) * rows + r)
            store(room.e, first + (j + 1) * rows, value)


def through_waves(dy: Any, waves: Waves, room: Sides, gradients: Waves) -> None:
    """The gradients of the parameters, and into room.e, in the first row of each column, that of its number."""
    rows, num_columns = room.x.shape[1], waves.frequency.shape[0]
    _transpose_in(dy, room.e, rows, num_columns * (waves.bias.shape[1] + 1))
    for c in range(num_columns):
        through_column(c, waves, room, gradients, (rows, False))


@inline
def through_column(c: int, waves: Waves, room: Sides, gradients: Waves, how: tuple[int, bool]) -> None:
    """Back through a column, of so many first rows; gradients are those of a `later` part, or not."""
    rows, num_waves, num_more, (count, later) = room.x.shape[1], waves.frequency.shape[1], waves.bias.shape[1], how
    for j in range(num_more):
        dh = (c * (num_more + 1) + j + 1) * rows
        note(gradients.bias, c * num_more + j, sum_of(room.e, dh, count), later)
        for k in range(num_waves):
            v, w = (c * num_waves + k) * rows, (c * num_more + j) * num_waves + k
            note(gradients.weight, w, dot(room.e, dh, room.cosines, v, count), later)
    for k in range(num_waves):
        _through_one((c, k), waves, room, gradients, how)


@inline
def _through_one(which: tuple[int, int], waves: Waves, room: Sides, gradients: Waves, how: tuple[int, bool]) -> None:
    """Back through one wave of a column."""
    (c, k), (count, later) = which, how
    rows, num_waves, num_more, like = room.x.shape[1], waves.frequency.shape[1], waves.bias.shape[1], room.x
    here, first, df, dp = c * num_waves + k, c * (num_more + 1) * rows, every(like, 0.0), every(like, 0.0)
    for r in range(0, count, width(like)):
        dv = every(like, 0.0)
        for j in range(num_more):
            w = get(waves.weight, (c * num_more + j) * num_waves + k)
            dv = dv + w * load(room.e, first + (j + 1) * rows + r)
        du = dv * load(room.derivatives, here * rows + r)
        df = df + du * load(room.x, c * rows + r)
        dp = dp + du
        store(room.e, first + r, load(room.e, first + r) + du * get(waves.frequency, here))
    note(gradients.frequency, here, total(df), later)
    note(gradients.phase, here, total(dp), later)


@inline
def note(gradient: Any, at: int, number: Any, later: bool) -> None:
    """Writes a number of a gradient down, or adds that of a `later` part."""
    put(gradient, at, get(gradient, at) + number if later else number)


@inline
def sum_of(a: Any, at: int, count: int) -> Any:
    """The sum of so many numbers from a place on, in whole lanes."""
    found = every(a, 0.0)
    for r in range(0, count, width(a)):
        found = found + load(a, at + r)
    return total(found)


@inline
def dot(a: Any, at: int, b: Any, there: int, count: int) -> Any:
    """The sum of so many products, in whole lanes."""
    found = every(a, 0.0)
    for r in range(0, count, width(a)):
        found = found + load(a, at + r) * load(b, there + r)
    return total(found)


@inline
def _transpose_out(sides: Any, rows: int, y: Any, count: int) -> None:
    """The first `count` columns of y (N, .) = sides (count, rows)^T."""
    num_rows, wide = y.shape
    whole_rows, whole = num_rows - num_rows % width(y), count - count % width(y)
    for n in range(0, whole_rows, width(y)):
        for i in range(0, whole, width(y)):
            transpose_square(sides, (i * rows + n, rows), y, (n * wide + i, wide))
    for n in range(num_rows):
        for i in range(whole if n < whole_rows else 0, count):
            put(y, n * wide + i, get(sides, i * rows + n))


@inline
def _transpose_in(dy: Any, sides: Any, rows: int, count: int) -> None:
    """The same the other way; 0 for rows that only fill up lanes."""
    num_rows, wide = dy.shape
    whole_rows, whole = num_rows - num_rows % width(dy), count - count % width(dy)
    for i in range(0, whole, width(dy)):
        for n in range(0, whole_rows, width(dy)):
            transpose_square(dy, (n * wide + i, wide), sides, (i * rows + n, rows))
    for i in range(count):
        for n in range(whole_rows if i < whole else 0, rows):
            put(sides, i * rows + n, get(dy, n * wide + i) if n < num_rows else dy.dtype.type(0))
