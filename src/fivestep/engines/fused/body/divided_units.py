"""From the sum of some units to their values and back: what joins it, the activation, dropout, the strengths."""

from typing import Any

from . import kinds as kind
from .activations import value_and_derivative
from .barrier import stream
from .divided_strengths import bring_strengths, has_strengths, strengthened, sum_strengths
from .division import GRADIENTS, VALUES, Alone, Passes, Reach, Thread, inputs_of
from .lanes import by_type, every, get, inline, load, put, store, where, width
from .numbers import numbers_at
from .panels import ROWS, panel


@inline
def store_past(array: Any, index: int, value: Any, is_past: bool) -> None:
    """Stores a register, past the caches or into them."""
    if is_past:
        stream(array, index, value)
    else:
        store(array, index, value)


def _nothing_joins(_between: Alone, _me: Thread, _layer: int, z: Any, _at: int) -> Any:
    return z


def _joined(between: Passes, me: Thread, layer: int, z: Any, at: int) -> Any:
    """Z with what joins it; `at` counts from where the level begins."""
    if between.joins[layer] < 0:
        return z
    x, start = inputs_of(me, between.joins[layer])
    return z + load(x, start + at)


joined = by_type({Alone: _nothing_joins, Passes: _joined})


def _no_other(_between: Alone, _me: Thread, _level: int, dy: Any, _at: int) -> Any:
    return dy


def _with_other(between: Passes, me: Thread, level: int, dy: Any, at: int) -> Any:
    """The gradient of a level with its share of another one's; `at` counts from where the level begins."""
    if between.also[level] < 0:
        return dy
    return dy + load(me.room.gradients, me.net.gradients[between.also[level]] + at)


with_other = by_type({Alone: _no_other, Passes: _with_other})


@inline
def finish(me: Thread, layer: int, z: Any, unit: int, bits: int, at: int) -> None:
    """The values of some sums of a layer, and their derivatives, where they belong.

    `unit` is the first of the thread's units, `bits` is where those of their dropout begin; `at` counts from where the
    level begins.
    """
    net, own, which, there = me.net, me.own, me.net.kinds[layer], me.net.values[layer + 1] + at
    mask, drops, is_past = every(own.tile, 1.0), net.dropped[layer] >= 0, (net.past[layer + 1] & VALUES) > 0
    z = joined(me.between, me, layer, z, at)
    if drops:
        mask = where(numbers_at(own.bits, bits, own.tile) < net.least[layer], 0.0, mask * net.scaled[layer])
    is_plain = not has_strengths(me.learned, layer)
    if which == kind.RELU and is_plain:
        store_past(me.room.values, there, where(z < 0.0, 0.0, z) * mask, is_past)
    elif which == kind.IDENTITY and is_plain and not drops:
        store_past(me.room.values, there, z, is_past)
    else:
        value, derivative = value_and_derivative(which, z, net.numbers[layer])
        value, derivative = strengthened(me.learned, me, layer, (z, value, derivative, mask), (unit, there))
        store_past(me.room.values, there, value * mask, is_past)
        store(me.room.derivatives, there, derivative * mask)


@inline
def bring_biases(me: Thread, layer: int, to: Reach) -> None:
    """The biases of the thread's units, 0 where there are none, and their strengths."""
    own, columns = me.own, panel(me.own.tile)
    for p in range(to.first, to.last):
        for u in range(columns):
            bias, place = own.tile.dtype.type(0), p * columns + u
            if me.net.biases[layer] >= 0 and place < to.stop:
                bias = get(me.room.w, me.net.biases[layer] + place)
            put(own.bias, place - to.first * columns, bias)
    bring_strengths(me.learned, me, layer, to)


@inline
def activate_tile(me: Thread, layer: int, sums: tuple[Any, int, float], of: tuple[int, int], at: int) -> None:
    """The values of a tile of sums, which begin at a place and are multiplied by a factor.

    It is `of` a panel of the thread's, and its bits of dropout begin at a place.
    """
    (array, start, factor), (mine, bits), own, columns, num_units = (
        sums,
        of,
        me.own,
        panel(me.own.tile),
        me.net.widths[layer + 1],
    )
    for r in range(ROWS):
        for c in range(0, columns, width(own.tile)):
            here = r * columns + c
            z = load(array, start + here) * factor + load(own.bias, mine * columns + c)
            finish(me, layer, z, mine * columns + c, bits + r * num_units + c, at + here)


@inline
def through_activation(me: Thread, level: int, da: Any, unit: int, at: int) -> None:
    """The gradient of some values of a level times f'(z), where it belongs; `at` counts from where the level begins.

    `unit` is the first of the thread's units.
    """
    net, which, there = me.net, me.net.kinds[level - 1], me.net.values[level] + at
    is_plain = not has_strengths(me.learned, level - 1)
    da = with_other(me.between, me, level, da, at)
    sum_strengths(me.learned, me, level - 1, da, (unit, there))
    if which == kind.RELU and is_plain:
        scale = every(me.own.tile, net.scaled[level - 1])
        da = da * where(load(me.room.values, there) > 0.0, scale, 0.0)
    elif which != kind.IDENTITY or net.dropped[level - 1] >= 0 or not is_plain:
        da = da * load(me.room.derivatives, there)
    store_past(me.room.gradients, net.gradients[level] + at, da, (net.past[level] & GRADIENTS) > 0)
