"""The order of the rows of an epoch, to the bit as `torch.randperm` draws it from a generator of that seed.

That is Matsumoto and Nishimura's Mersenne Twister, mt19937 (1998), of which number i, modulo n - i, says which of the
rows that are left comes next. Here sixteen seeds begin side by side, and the numbers and the remainders of some hundred
rows are made at once, in registers; only the exchanges are one after another. torch makes one number, divides and
exchanges, row by row.
"""

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba.extending import intrinsic

from .lanes import apart, get, inline, load, put, store, widened
from .transpose import transpose_square

SIZE, MIDDLE = 624, 397
"""Numbers in the state, and how far apart those are that make a new one."""

BESIDE = 16
"""Seeds that begin side by side: each number of a first state waits for the one before it."""

_FIRST_BIT, _OTHER_BITS, _ALL_BITS = 0x80000000, 0x7FFFFFFF, 0xFFFFFFFF
_TWIST, _SEEDING = 0x9908B0DF, 1812433253

_word = np.uint32
"""A number cut to 32 bits: without it, numba goes on with 64, of which half as many fit into a register."""


@inline
def in_lanes(count: int) -> int:
    """So many numbers, and what fills up the last register."""
    return -(-count // BESIDE) * BESIDE


class Room(NamedTuple):
    """What orders are drawn in, all of 32 bits.

    `states` (BESIDE SIZE,) are those of some seeds, `square` (BESIDE BESIDE,) numbers that begin them, `left` (SIZE,)
    which of the rows that are left come next, and `inverses` (N,), filled up `in_lanes`, those of how many are left:
    floor((2^32 - 1) / (N - k)) for row k.
    """

    states: Any
    square: Any
    left: Any
    inverses: Any


class Order(NamedTuple):
    """The order in which the steps of a block visit the rows: place p is row `rows[p]`, or row p if `rows` is empty.

    Where there are `seeds`, a step that starts at 0 begins an epoch, whose order is drawn into `rows` from the next of
    them; `is_drawn` says whether the order of the first step is there already.
    """

    rows: Any
    seeds: Any
    is_drawn: bool
    room: Room


@inline
def row_at(rows: Any, place: int) -> Any:
    """The row at a place of an order, given by its rows; the place itself if there are none."""
    return get(rows, place) if rows.size else place


def draw_orders(seeds: Any, out: Any, room: Room) -> None:
    """Fills `out` (E, N), one order for each of the first E seeds of 32 bits, filled up to a multiple of `BESIDE`."""
    num_epochs, num_rows = out.shape
    for e in range(num_epochs):
        draw_order(seeds, e, room, (out, e * num_rows, num_rows))


@apart
def draw_order(seeds: Any, e: int, room: Room, to: Any) -> None:
    """The order from seed e, which comes after the one before it: `to` are an array, where to begin, and the rows."""
    if e % BESIDE == 0:
        _begin(seeds, e, room)
    _draw(room, e % BESIDE * SIZE, to)


@inline
def _begin(seeds: Any, first: int, room: Room) -> None:
    """The first states of some seeds: number k of all of them in a register, then transposed, to lie seed by seed."""
    numbers = load(seeds, first)
    for start in range(0, SIZE, BESIDE):
        for k in range(BESIDE):
            if start + k > 0:
                numbers = _following(numbers, start + k)
            store(room.square, k * BESIDE, numbers)
        transpose_square(room.square, (0, BESIDE), room.states, (start, SIZE))


@intrinsic
def _following(typing: Any, numbers: Any, k: Any) -> Any:
    """The number k that follows, SEEDING (x ^ (x >> 30)) + k, lane by lane."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        thirty, factor = (ir.Constant(args[0].type, [n] * numbers.count) for n in (30, _SEEDING))
        mixed = builder.xor(args[0], builder.lshr(args[0], thirty))
        return builder.add(builder.mul(mixed, factor), widened(context, builder, args[1], sig.args[1], numbers))

    return numbers(numbers, k), emit


@inline
def _draw(room: Room, at: int, into: Any) -> None:
    """One order, from the state that begins at states[at]."""
    (out, to, num_rows), (states, _, left, inverses) = into, room
    for r in range(num_rows):
        put(out, to + r, r)
    for start in range(0, num_rows - 1, SIZE):
        num_left, here = num_rows - start, to + start
        count = min(SIZE, in_lanes(num_left))  # what only fills up registers is not looked at
        _twist(states, at, count)
        for k in range(count):
            put(left, k, _tempered(get(states, at + k)))
        for k in range(count):
            put(left, k, remainder(get(left, k), _word(num_left - k), get(inverses, start + k)))
        for k in range(min(SIZE, num_left - 1)):
            there = here + k + np.int64(get(left, k))
            taken = get(out, there)
            put(out, there, get(out, here + k))
            put(out, here + k, taken)


@inline
def _twist(state: Any, at: int, count: int) -> None:
    """The next `count` numbers of the state, of which no more are asked for unless these are all."""
    early = SIZE - MIDDLE
    for k in range(at, at + min(count, early)):
        put(state, k, get(state, k + MIDDLE) ^ _mixed(get(state, k), get(state, k + 1)))
    for k in range(at + early, at + min(count, SIZE - 1)):
        put(state, k, get(state, k - early) ^ _mixed(get(state, k), get(state, k + 1)))
    if count == SIZE:
        last = at + SIZE - 1
        put(state, last, get(state, last - early) ^ _mixed(get(state, last), get(state, at)))


@inline
def _mixed(one: int, following: int) -> int:
    both = (one & _FIRST_BIT) | (following & _OTHER_BITS)
    return (both >> 1) ^ (_TWIST if both & 1 else 0)


@inline
def _tempered(y: Any) -> Any:
    """A number of the state, its bits mixed."""
    y = _word(y ^ (y >> 11))
    y = _word(y ^ ((y << 7) & 0x9D2C5680))
    y = _word(y ^ ((y << 15) & 0xEFC60000))
    return _word(y ^ (y >> 18))


@inline
def remainder(y: Any, d: Any, inverse: Any) -> Any:
    """Y modulo d, for d < 2^31 and inverse = floor((2^32 - 1) / d), without a division.

    inverse = (2^32 - e) / d with 1 <= e <= d, so y inverse / 2^32 = y / d - (y / 2^32) (e / d), less than y / d by less
    than 1. Cut off behind its point it is therefore the quotient, or one less; then d is left over once more. Where it
    is not, to take d off once more gives a number above 2^31.
    """
    quotient = _word((np.uint64(y) * np.uint64(inverse)) >> np.uint64(32))
    rest = _word(y - _word(quotient * d))
    return min(rest, _word(rest - d))
