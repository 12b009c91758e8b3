"""The learned strengths of activations, g of y = z + g (f(z) - z), one for each unit: its thread finds their gradient.

With dy given, dz = dy (1 - g + g f'(z)) and dg = sum over the rows of dy (f(z) - z) (`layers/parametric.py`). A dropped
unit has neither: its mask is in dy/dz and in f(z) - z, as they are kept.
"""

from typing import Any

from .division import Learned, Plain, Reach, Thread
from .lanes import by_type, every, get, load, put, store, width
from .panels import panel


def _no_strength(_learned: Plain, _layer: int) -> bool:
    return False


def _any_strength(learned: Learned, layer: int) -> Any:
    return learned.strengths[layer] >= 0


has_strengths = by_type({Plain: _no_strength, Learned: _any_strength})


def _bring_none(_learned: Plain, _me: Thread, _layer: int, _to: Reach) -> None:
    """Nothing is learned of an activation."""


def _bring(learned: Learned, me: Thread, layer: int, to: Reach) -> None:
    """The strengths of the thread's units of a layer, 0 for those that only fill up its panels."""
    own, at = me.own, learned.strengths[layer]
    for k in range((to.last - to.first) * panel(own.tile)):
        unit = to.first * panel(own.tile) + k
        put(own.strengths, k, get(me.room.w, at + unit) if at >= 0 and unit < to.stop else own.tile.dtype.type(0))


bring_strengths = by_type({Plain: _bring_none, Learned: _bring})


def _as_it_is(_learned: Plain, _me: Thread, _layer: int, of: tuple[Any, ...], _places: tuple[int, int]) -> Any:
    (_z, value, derivative, _mask) = of
    return value, derivative


def _strengthened(learned: Learned, me: Thread, layer: int, of: tuple[Any, ...], places: tuple[int, int]) -> Any:
    """Finds y = z + g (f(z) - z) and dy/dz; `places` are the thread's unit, and where the values belong."""
    (z, value, derivative, mask), (unit, there) = of, places
    if learned.strengths[layer] < 0:
        return value, derivative
    strength, far = load(me.own.strengths, unit), value - z
    store(learned.far, there, far * mask)
    return z + strength * far, (1.0 - strength) + strength * derivative


strengthened = by_type({Plain: _as_it_is, Learned: _strengthened})


def _forget_none(_learned: Plain, _me: Thread, _layer: int, _of: Reach) -> None:
    """Nothing is learned of an activation."""


def _forget(learned: Learned, me: Thread, layer: int, of: Reach) -> None:
    """Sets the sums to 0 that become the gradient of the strengths behind a layer."""
    if learned.strengths[layer] >= 0:
        for k in range(0, (of.last - of.first) * panel(me.own.tile), width(me.own.tile)):
            store(me.own.sums, k, every(me.own.tile, 0.0))


forget_strengths = by_type({Plain: _forget_none, Learned: _forget})


def _sum_none(_learned: Plain, _me: Thread, _layer: int, _dy: Any, _places: tuple[int, int]) -> None:
    """Nothing is learned of an activation."""


def _sum(learned: Learned, me: Thread, layer: int, dy: Any, places: tuple[int, int]) -> None:
    """Adds dy (f(z) - z) of some units to their sums."""
    unit, there = places
    if learned.strengths[layer] >= 0:
        store(me.own.sums, unit, load(me.own.sums, unit) + dy * load(learned.far, there))


sum_strengths = by_type({Plain: _sum_none, Learned: _sum})


def _note_none(_learned: Plain, _me: Thread, _layer: int, _of: Reach, _later: bool) -> None:
    """Nothing is learned of an activation."""


def _note(learned: Learned, me: Thread, layer: int, of: Reach, later: bool) -> None:
    """The gradient of the strengths behind a layer, dg = sum dy (f(z) - z); that of a `later` part is added."""
    at, g = learned.strengths[layer], me.room.g
    if at >= 0:
        for unit in range(of.start, of.stop):
            before = get(g, at + unit) if later else g.dtype.type(0)
            put(g, at + unit, before + get(me.own.sums, unit - of.first * panel(me.own.tile)))


note_strengths = by_type({Plain: _note_none, Learned: _note})
