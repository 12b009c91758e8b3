"""The random bits of dropout, equal to the bit to those of `draws.py`: each step and layer has a seed of its own.

The generator is Doty-Humphrey's SFC64, seeded as in NumPy: with three numbers that `SeedSequence` (after O'Neill's
`seed_seq_fe`) makes of a seed, and then twelve draws that are discarded. NumPy takes fifteen microseconds to seed one,
and two nanoseconds for each word; in that time a small network does several steps.
"""

from typing import Any, NamedTuple

import numpy as np

from .lanes import apart, get, inline, put
from .transpose import transpose_part

_word = np.uint64
"""An unsigned integer of 64 bits: with Python's own integers, numba would continue in float64."""

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
"""Words of a generator's state (`continue_bits`)."""


class Masks(NamedTuple):
    """Seed and memory of the dropout layers of a network, for one step.

    `seed` is the last 64 bits of the draws' seed; operation k draws as layer `layers[k]`. A layer's bits are drawn into
    `words`, row by row, and read as `numbers` of 16 bits, which are the same memory. Transposed, with units `stride`
    apart, those of operation k are kept in `bits` from places[k] on.
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
    """The hash of a 32-bit number, and the constant for the next one."""
    after = (before * factor) & _HALF
    value = ((value ^ before) * after) & _HALF
    return value ^ (value >> _SIXTEEN), after


@inline
def _mixed(x: Any, y: Any) -> Any:
    value = (_LEFT * x - _RIGHT * y) & _HALF
    return value ^ (value >> _SIXTEEN)


@inline
def _initial_state(seed: Any) -> tuple[Any, Any, Any]:
    """The three numbers a, b, c with which a generator of that seed, below 2^64, begins."""
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
def _next_word(a: Any, b: Any, c: Any, counter: Any) -> tuple[Any, Any, Any, Any]:
    """The next number, and the new a, b and c; the caller increments the counter."""
    number = a + b + counter
    return number, b ^ (b >> _ELEVEN), c + (c << _THREE), ((c << _TWENTY_FOUR) | (c >> _FORTY)) + number


@apart
def draw_bits(seed: Any, count: int, words: Any, start: int) -> None:
    """Draws at least `count` numbers of 15 bits into words[start], ..., four into each word."""
    a, b, c = _initial_state(seed)
    counter = _ONE
    for k in range(-_UNUSED, -(-count // IN_A_WORD)):
        number, a, b, c = _next_word(a, b, c, counter)
        counter += _ONE
        if k >= 0:
            put(words, start + k, number & _FOUR_TIMES_FIFTEEN)


@apart
def draw_layer(seed: Any, place: tuple[int, int], count: int, words: Any) -> None:
    """Draws the bits of a step and a layer, those of `draws.Draws`, into `words`."""
    step, layer = place
    draw_bits(folded(seed, step, layer), count, words, 0)


@apart
def start_bits(seed: Any, place: tuple[int, int], streams: Any, at: int) -> None:
    """Seeds the generator of a step and a layer, and stores its state at streams[at], ... for `continue_bits`."""
    step, layer = place
    a, b, c = _initial_state(folded(seed, step, layer))
    counter = _ONE
    for _ in range(_UNUSED):
        _number, a, b, c = _next_word(a, b, c, counter)
        counter += _ONE
    put(streams, at, a)
    put(streams, at + 1, b)
    put(streams, at + 2, c)
    put(streams, at + 3, counter)


@apart
def continue_bits(streams: Any, at: int, place: tuple[int, int], words: Any) -> int:
    """Draws the next numbers of a layer into `words`; returns the position of the first of them there.

    `place` is the first one's number in its step, and how many to draw. The last word drawn is part of the state, since
    it may hold the first of the next numbers.
    """
    (first, count), skipped = place, place[0] % IN_A_WORD
    a, b, c, counter = get(streams, at), get(streams, at + 1), get(streams, at + 2), get(streams, at + 3)
    number = get(streams, at + 4)
    put(words, 0, number)
    for k in range(-(-first // IN_A_WORD) - first // IN_A_WORD, -(-(skipped + count) // IN_A_WORD)):
        number, a, b, c = _next_word(a, b, c, counter)
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
def draw_transposed(masks: Masks, place: tuple[int, int], shape: tuple[int, int]) -> None:
    """Draws the bits of a step and an operation, and stores them transposed: the rows of a unit are consecutive."""
    (num_rows, num_units), start = shape, masks.places[place[1]]
    draw_layer(masks.seed, (place[0], masks.layers[place[1]]), num_rows * num_units, masks.words)
    transpose_part((masks.numbers, 0, num_units), shape, (masks.bits, start, masks.stride))
