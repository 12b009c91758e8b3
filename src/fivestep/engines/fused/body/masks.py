"""The random bits of dropout, to the bit as `draws.py` draws them: each step and layer from a seed of its own.

That is Doty-Humphrey's generator SFC64, as NumPy begins it: with three numbers that its `SeedSequence` (after O'Neill's
`seed_seq_fe`) makes of a seed, and twelve more numbers that nobody uses. NumPy takes fifteen microseconds to begin one
and two nanoseconds for each word; small networks have done several steps by then.
"""

from typing import Any, NamedTuple

import numpy as np

from .lanes import apart, get, inline, put
from .turning import turn_part

_word = np.uint64
"""A number of 64 bits: beside a plain one, numba would go on with float64."""

_HALF, _FOUR_TIMES_FIFTEEN, _SIXTY_THREE = _word(0xFFFFFFFF), _word(0x7FFF_7FFF_7FFF_7FFF), _word(2**63 - 1)
_FOLD, _ONE, _THREE, _ELEVEN, _SIXTEEN = (_word(number) for number in (1_000_003, 1, 3, 11, 16))
_TWENTY_FOUR, _THIRTY_TWO, _FORTY = (_word(number) for number in (24, 32, 40))
_FIRST_A, _TIMES_A = _word(0x43B0D7E5), _word(0x931E8875)
_FIRST_B, _TIMES_B = _word(0x8B51F9DD), _word(0x58F38DED)
_LEFT, _RIGHT = _word(0xCA01F9DD), _word(0x4973F715)
_POOL, _UNUSED = 4, 12

IN_A_WORD = 4
"""Numbers of 15 bits in one of 64."""

IN_A_STREAM = 5
"""Words that a generator goes on with (`go_on_with_bits`)."""


class Masks(NamedTuple):
    """What all dropout of a network draws from, and where, for one step.

    `seed` is that of the draws, the last 64 bits of it; operation k draws as layer `layers[k]`. Those of a layer come
    to `words`, row by row, and are read as `numbers` of 16 bits, which are the same memory; turned on their side,
    `stride` apart, those of operation k stay in `bits` from places[k] on.
    """

    seed: Any
    words: Any
    numbers: Any
    bits: Any
    places: Any
    layers: Any
    stride: int


@inline
def folded(seed: Any, step: int, layer: int) -> Any:
    """`draws._folded`: the seed of a step and a layer; of `seed`, the last 64 bits are enough."""
    return ((seed * _FOLD + _word(step)) * _FOLD + _word(layer)) & _SIXTY_THREE


@inline
def _hashed(value: Any, before: Any, factor: Any) -> tuple[Any, Any]:
    """A number of 32 bits, and the constant that the next one is made with."""
    after = (before * factor) & _HALF
    value = ((value ^ before) * after) & _HALF
    return value ^ (value >> _SIXTEEN), after


@inline
def _mixed(x: Any, y: Any) -> Any:
    value = (_LEFT * x - _RIGHT * y) & _HALF
    return value ^ (value >> _SIXTEEN)


@inline
def _begun(seed: Any) -> tuple[Any, Any, Any]:
    """The numbers that a generator of that seed, of less than 2^64, begins with."""
    zero = seed & _word(0)
    p0, constant = _hashed(seed & _HALF, _FIRST_A, _TIMES_A)
    p1, constant = _hashed(seed >> _THIRTY_TWO, constant, _TIMES_A)
    p2, constant = _hashed(zero, constant, _TIMES_A)
    p3, constant = _hashed(zero, constant, _TIMES_A)
    for source in range(_POOL):
        for to in range(_POOL):
            if to != source:
                of = p0 if source == 0 else p1 if source == 1 else p2 if source == 2 else p3
                added, constant = _hashed(of, constant, _TIMES_A)
                if to == 0:
                    p0 = _mixed(p0, added)
                elif to == 1:
                    p1 = _mixed(p1, added)
                elif to == 2:
                    p2 = _mixed(p2, added)
                else:
                    p3 = _mixed(p3, added)
    a0, constant = _hashed(p0, _FIRST_B, _TIMES_B)
    a1, constant = _hashed(p1, constant, _TIMES_B)
    b0, constant = _hashed(p2, constant, _TIMES_B)
    b1, constant = _hashed(p3, constant, _TIMES_B)
    c0, constant = _hashed(p0, constant, _TIMES_B)
    c1, constant = _hashed(p1, constant, _TIMES_B)
    return a0 | (a1 << _THIRTY_TWO), b0 | (b1 << _THIRTY_TWO), c0 | (c1 << _THIRTY_TWO)


@inline
def _drawn(a: Any, b: Any, c: Any, counter: Any) -> tuple[Any, Any, Any, Any]:
    """The next number, and what the generator goes on with; its counter grows by one."""
    number = a + b + counter
    return number, b ^ (b >> _ELEVEN), c + (c << _THREE), ((c << _TWENTY_FOUR) | (c >> _FORTY)) + number


@apart
def draw_bits(seed: Any, count: int, words: Any, start: int) -> None:
    """Puts at least `count` numbers of 15 bits into words[start], ..., four into each."""
    a, b, c = _begun(seed)
    counter = _ONE
    for k in range(-_UNUSED, -(-count // IN_A_WORD)):
        number, a, b, c = _drawn(a, b, c, counter)
        counter += _ONE
        if k >= 0:
            put(words, start + k, number & _FOUR_TIMES_FIFTEEN)


@apart
def draw_layer(seed: Any, place: tuple[int, int], count: int, words: Any) -> None:
    """The bits that `draws.Draws` draws for a step and a layer, from the first word on."""
    step, layer = place
    draw_bits(folded(seed, step, layer), count, words, 0)


@apart
def begin_bits(seed: Any, place: tuple[int, int], streams: Any, at: int) -> None:
    """Puts the generator of a step and a layer into streams[at], ..., where `go_on_with_bits` finds it."""
    step, layer = place
    a, b, c = _begun(folded(seed, step, layer))
    counter = _ONE
    for _ in range(_UNUSED):
        _number, a, b, c = _drawn(a, b, c, counter)
        counter += _ONE
    put(streams, at, a)
    put(streams, at + 1, b)
    put(streams, at + 2, c)
    put(streams, at + 3, counter)


@apart
def go_on_with_bits(streams: Any, at: int, place: tuple[int, int], words: Any) -> int:
    """The bits of a layer that follow those drawn last, and where the first of them is among the numbers in `words`.

    `place` is the number of the first one in its step, and how many there are. The last word that was drawn is kept
    too: the first numbers may be in it.
    """
    (first, count), skipped = place, place[0] % IN_A_WORD
    a, b, c, counter = get(streams, at), get(streams, at + 1), get(streams, at + 2), get(streams, at + 3)
    number = get(streams, at + 4)
    put(words, 0, number)
    for k in range(-(-first // IN_A_WORD) - first // IN_A_WORD, -(-(skipped + count) // IN_A_WORD)):
        number, a, b, c = _drawn(a, b, c, counter)
        number = number & _FOUR_TIMES_FIFTEEN
        counter += _ONE
        put(words, k, number)
    put(streams, at, a)
    put(streams, at + 1, b)
    put(streams, at + 2, c)
    put(streams, at + 3, counter)
    put(streams, at + 4, number)
    return skipped


@apart
def draw_turned(masks: Masks, place: tuple[int, int], shape: tuple[int, int]) -> None:
    """The same for a step and an operation, for rows that lie side by side, those of a unit `stride` after the last."""
    (num_rows, num_units), start = shape, masks.places[place[1]]
    draw_layer(masks.seed, (place[0], masks.layers[place[1]]), num_rows * num_units, masks.words)
    turn_part((masks.numbers, 0, num_units), shape, (masks.bits, start, masks.stride))
