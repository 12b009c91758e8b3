"""The order of the rows of an epoch, to the bit as `torch.randperm` draws it from a generator of that seed.

That is Matsumoto and Nishimura's Mersenne Twister, mt19937 (1998), of which number i, modulo n - i, says which of the
rows that are left comes next. Here the numbers and the remainders of some hundred rows are made at once, side by side
in registers; only the exchanges are one after another. torch makes one number, divides and exchanges, row by row.
"""

from typing import Any

from .lanes import FOUR, get, inline, put

SIZE, MIDDLE = 624, 397
"""Numbers in the state, and how far apart those are that make a new one."""

MOST_ROWS = (2**32 - 1) // 20
"""From as many rows on, torch draws in another way."""

_FIRST_BIT, _OTHER_BITS, _ALL_BITS = 0x80000000, 0x7FFFFFFF, 0xFFFFFFFF
_TWIST, _SEEDING = 0x9908B0DF, 1812433253


def draw_orders(seeds: Any, out: Any, states: Any, left: Any) -> None:
    """Fills `out` (E, N), one order for each of E seeds below 2^32; room: `states` (FOUR SIZE,) and `left` (SIZE,)."""
    for first in range(0, seeds.size, FOUR):
        _seed_four(seeds, first, states)
        for e in range(first, min(first + FOUR, seeds.size)):
            _draw(states, (e - first) * SIZE, left, out, e * out.shape[1])


@inline
def _seed_four(seeds: Any, first: int, states: Any) -> None:
    """The first states of four seeds, which take turns: each number of a state waits for the one before it."""
    last = seeds.size - 1
    a, b = get(seeds, first), get(seeds, min(first + 1, last))
    c, d = get(seeds, min(first + 2, last)), get(seeds, min(first + 3, last))
    for k in range(SIZE):
        if k > 0:
            a, b, c, d = _following(a, k), _following(b, k), _following(c, k), _following(d, k)
        put(states, k, a)
        put(states, SIZE + k, b)
        put(states, 2 * SIZE + k, c)
        put(states, 3 * SIZE + k, d)


@inline
def _following(number: int, k: int) -> int:
    return (_SEEDING * (number ^ (number >> 30)) + k) & _ALL_BITS


@inline
def _draw(state: Any, at: int, left: Any, out: Any, row: int) -> None:
    """One order, into out[row:], from the state that begins at state[at]."""
    num_rows = out.shape[1]
    for r in range(num_rows):
        put(out, row + r, r)
    for start in range(0, num_rows - 1, SIZE):
        count = min(SIZE, num_rows - 1 - start)
        _twist(state, at)
        _remainders(state, at, left, num_rows - start, count)
        for k in range(count):
            here = row + start + k
            there = here + get(left, k)
            taken = get(out, there)
            put(out, there, get(out, here))
            put(out, here, taken)


@inline
def _twist(state: Any, at: int) -> None:
    """The next SIZE numbers of the state."""
    for k in range(at, at + SIZE - MIDDLE):
        put(state, k, get(state, k + MIDDLE) ^ _mixed(get(state, k), get(state, k + 1)))
    for k in range(at + SIZE - MIDDLE, at + SIZE - 1):
        put(state, k, get(state, k + MIDDLE - SIZE) ^ _mixed(get(state, k), get(state, k + 1)))
    last = at + SIZE - 1
    put(state, last, get(state, last + MIDDLE - SIZE) ^ _mixed(get(state, last), get(state, at)))


@inline
def _mixed(one: int, following: int) -> int:
    both = (one & _FIRST_BIT) | (following & _OTHER_BITS)
    return (both >> 1) ^ (_TWIST if both & 1 else 0)


@inline
def _remainders(state: Any, at: int, left: Any, num_left: int, count: int) -> None:
    """Number k of the state, its bits mixed, modulo num_left - k.

    The quotient of two whole numbers below 2^32 lies further from the next whole number than a division of float64
    errs, so cutting off what is behind its point is exact.
    """
    for k in range(count):
        y = get(state, at + k)
        y = y ^ (y >> 11)
        y = y ^ ((y << 7) & 0x9D2C5680)
        y = y ^ ((y << 15) & 0xEFC60000)
        y = y ^ (y >> 18)
        put(left, k, y - int(y / (num_left - k)) * (num_left - k))
