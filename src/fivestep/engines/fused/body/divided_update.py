"""Step 5 of threads that divide units: each does what there is to do with a gradient, on parameters of its own.

The L2 term and the bound on each element need no one else. The norm of the whole gradient does: each thread tells the
others the squares of its part, and they meet once more. Their sum is taken in one order, so all have the same bits.
"""

from typing import Any, NamedTuple

from .barrier import APART, wait_for_all
from .lanes import apart, every, get, inline, load, put, store, total, where, width
from .passes import Remembered, update_range
from .rules import Descent

PIECE = 4096
"""Numbers whose squares are added up in the network's own type: of millions, the last ones would be lost in float32."""

NO_LIMIT = 1e300
"""A limit that is larger is none."""


class Limits(NamedTuple):
    """The plan's bounds on a gradient, infinite where there are none."""

    clip_value: float
    clip_norm: float


class Parts(NamedTuple):
    """The parameters of a thread, as ranges that a rule moves alike.

    `places` (n, 3): the first, the one after the last, and 1 in a matrix, which the L2 term is about. `numbers` (n, 2):
    the factor of the rate, and the decay of weights.
    """

    places: Any
    numbers: Any


@inline
def update_own(me: Any, rules: tuple[Descent, Limits], work: Any, memory: Remembered, now: Any) -> bool:
    """The rule in step `now`, on the thread's parameters; False if another thread has left the work."""
    rule, limits = rules
    s = now.step - work.done - 1
    squares = settle_own(me, limits, work, s)
    if limits.clip_norm < NO_LIMIT:
        put(me.room.squares, me.number * APART, squares)
        if not wait_for_all(me.room.barrier, me.number, me.net.threads):
            return False
        whole = 0.0
        for t in range(me.net.threads):
            whole += get(me.room.squares, t * APART)
        factor = limits.clip_norm / (whole**0.5 + 1e-6)
        if not factor >= 1.0:  # of what is no number too
            scale_own(me, factor)
    places, numbers = me.own.parts
    for k in range(places.shape[0]):
        descent = Descent(rule.kind, rule.numbers, rule.decoupled, numbers[k, 1], rule.ema)
        reach = places[k, 0], places[k, 1]
        update_range(descent, (me.room.w, me.room.g), memory, reach, (work.rates[s] * numbers[k, 0], now))
    return True


@apart
def settle_own(me: Any, limits: Limits, work: Any, s: int) -> float:
    """Adds the gradient of the L2 term, whose value it notes, and bounds each element; the squares of what comes out.

    Where there is neither term nor bound, it does nothing.
    """
    places, l2, bounds = me.own.parts.places, work.l2[s], limits.clip_value < NO_LIMIT
    of_weights = of_gradient = 0.0
    if l2 > 0.0 or bounds or limits.clip_norm < NO_LIMIT:
        for k in range(places.shape[0]):
            strength = l2 if places[k, 2] == 1 else 0.0
            for start in range(places[k, 0], places[k, 1], PIECE):
                piece = start, min(start + PIECE, places[k, 1])
                if strength > 0.0 or bounds:
                    w, g = _settled(me, piece, strength, limits.clip_value)
                    of_weights += strength * w
                    of_gradient += g
                else:
                    of_gradient += _squares(me.room.g, piece)
    work.penalties[me.number, s] = 0.5 * of_weights
    return of_gradient


@inline
def _squares(g: Any, piece: tuple[int, int]) -> Any:
    """The squares of a piece of the gradient: nothing else is read, and nothing is written."""
    start, stop = piece
    whole, squares = stop - (stop - start) % width(g), every(g, 0.0)
    for j in range(start, whole, width(g)):
        squares = squares + load(g, j) * load(g, j)
    rest = 1.0 * total(squares)
    for j in range(whole, stop):
        rest += get(g, j) * get(g, j)
    return rest


@inline
def _settled(me: Any, piece: tuple[int, int], l2: float, most: float) -> tuple[float, float]:
    """The same for a piece: the squares of weights and of gradients."""
    w, g, (start, stop) = me.room.w, me.room.g, piece
    whole, bounds = stop - (stop - start) % width(w), most < NO_LIMIT
    of_weights = of_gradient = every(w, 0.0)
    for j in range(start, whole, width(w)):
        value, dw = load(w, j), load(g, j)
        dw = dw + l2 * value
        if bounds:
            dw = where(dw > most, most, dw)
            dw = where(dw < -most, -most, dw)
        store(g, j, dw)
        of_weights = of_weights + value * value
        of_gradient = of_gradient + dw * dw
    rest_of_weights, rest_of_gradient = 1.0 * total(of_weights), 1.0 * total(of_gradient)
    for j in range(whole, stop):
        dw = get(g, j) + w.dtype.type(l2) * get(w, j)
        if bounds:
            dw = w.dtype.type(most) if dw > most else dw
            dw = w.dtype.type(-most) if dw < -most else dw
        put(g, j, dw)
        rest_of_weights += get(w, j) * get(w, j)
        rest_of_gradient += dw * dw
    return rest_of_weights, rest_of_gradient


@apart
def scale_own(me: Any, factor: float) -> None:
    """The gradient of the thread's parameters, times a factor."""
    g, places = me.room.g, me.own.parts.places
    for k in range(places.shape[0]):
        start, stop = places[k, 0], places[k, 1]
        whole = stop - (stop - start) % width(g)
        for j in range(start, whole, width(g)):
            store(g, j, load(g, j) * factor)
        for j in range(whole, stop):
            put(g, j, get(g, j) * g.dtype.type(factor))
