"""The five steps as one compiled body: a block of steps without returning to Python.

A network is one of three kinds, each with a forward and a backward pass of its own: `network.py` takes any list of
operations, `branched.py` also those that few networks have, and `hidden.py` one hidden layer.
"""

from typing import Any, NamedTuple

from .branched import Branched, backward_branched, evaluate_branched, fill_branched, forward_branched
from .further import ByMatrix, Further, update
from .hidden import Hidden, backward_hidden, fill_hidden, forward_hidden
from .lanes import by_type, every, get, inline, put, store, width
from .losses import Measure, measure
from .network import Memory, Network, Tile, backward_network, fill_network, forward_network, forward_one
from .order import Order, draw_order, row_at
from .rules import Rule, clip, penalize, powers_after, powers_at


class Steps(NamedTuple):
    """Rows, and the steps over them: step s takes places starts[s] to stops[s] - 1 with the rate rates[s].

    Before them `done` steps have been done. `order` says which row a place is. `share` (by place) is empty where all
    rows weigh alike. `masks` is where dropout draws. `losses` and `penalties` take the loss of each step and its L2
    term of strength l2[s].
    """

    done: int
    x: Any
    y: Any
    order: Order
    share: Any
    starts: Any
    stops: Any
    rates: Any
    l2: Any
    masks: Any
    losses: Any
    penalties: Any


@inline
def in_lanes(num_rows: int, array: Any) -> Any:
    """That many rows and what fills up the last lanes."""
    return -(-num_rows // width(array)) * width(array)


@inline
def fill_targets(steps: Steps, memory: Memory, tile: Tile, weight: float) -> None:
    """Copies the targets of a tile, and its shares, `weight` where all have the same; what fills up lanes weighs 0."""
    (start, num_rows, rows), num_targets = tile, steps.y.shape[1]
    for r in range(0, rows, width(memory.share)):
        store(memory.share, r, every(memory.share, weight))
    if steps.share.size:
        for r in range(num_rows):
            put(memory.share, r, get(steps.share, start + r))
    for r in range(num_rows, rows):
        put(memory.share, r, 0.0)
    for o in range(num_targets):
        for r in range(num_rows):
            row = row_at(steps.order.rows, start + r)
            put(memory.targets, o * rows + r, get(steps.y, row * num_targets + o))
        for r in range(num_rows, rows):
            put(memory.targets, o * rows + r, 0.0)


@inline
def clear_beyond(values: Any, logits: int, num_out: int, tile: Tile) -> None:
    """Logits of 0 for what fills up lanes: it weighs nothing, but of a loss beyond all numbers that would be NaN."""
    for o in range(num_out):
        for r in range(tile.num_rows, tile.rows):
            put(values, logits + o * tile.rows + r, 0.0)


def itself(one: Network | Rule) -> Network | Rule:
    """A plain network, or a plain rule."""
    return one


def plain_part(one: Branched | Further | ByMatrix) -> Network | Rule:
    """The plain one that it has more than."""
    return one.plain


def evaluate_one(network: Network, memory: Memory, k: int, rows: int) -> None:
    """Operation k in evaluation mode, in which dropout hands on what it gets."""
    forward_one(network, memory, k, rows)


fill_inputs = by_type({Network: fill_network, Branched: fill_branched, Hidden: fill_hidden})
forward = by_type({Network: forward_network, Branched: forward_branched, Hidden: forward_hidden})
backward = by_type({Network: backward_network, Branched: backward_branched, Hidden: backward_hidden})
plain_of = by_type({Network: itself, Branched: plain_part, Rule: itself, Further: plain_part, ByMatrix: plain_part})
evaluate = by_type({Network: evaluate_one, Branched: evaluate_branched})


def train_steps(
    network: Network | Branched | Hidden, loss: Measure, rule: Rule | Further | ByMatrix, steps: Steps, memory: Memory
) -> None:
    """The steps of a block: each is the five steps, over tiles of rows."""
    plain = plain_of(rule)
    powers = powers_at(plain, steps.done)
    filled = memory.rows  # rows of the first buffer in which there may be numbers
    order = steps.order
    epochs = 0  # whose orders have been drawn
    stays = False  # whether the rows of this step are those of the last one, and still in the first buffer
    for s in range(steps.rates.size):
        start, stop = steps.starts[s], steps.stops[s]
        if order.seeds.size and (start == 0 or (s == 0 and not order.is_drawn)):
            draw_order(order.seeds, epochs, order.room, (order.rows, 0, order.rows.size))
            epochs += 1
        losses = 0.0
        for place in range(start, stop, memory.rows):
            num_rows = min(memory.rows, stop - place)
            tile = Tile(place, num_rows, -(-num_rows // network.rows_at_once) * network.rows_at_once)
            if not stays:
                fill_targets(steps, memory, tile, 1.0 / (stop - start))
                fill_inputs(network, steps, memory, tile, filled)
                filled = num_rows

            # 1  predict
            logits = forward(network, steps, memory, tile, s)

            # 2  measure
            clear_beyond(memory.values, logits, network.num_out, tile)
            losses += measure(loss, memory, logits, network.num_out, tile.rows)

            # 3  forget the last gradient: the first tile of a step is put in its place
            later = place > start

            # 4  find the new one
            backward(network, steps, memory, tile, later)

        # 5  step downhill
        number = steps.done + s + 1
        steps.penalties[s] = penalize(plain, memory.w, memory.g, steps.l2[s])
        clip(memory.g, plain)
        powers = powers_after(plain, powers, number)
        update(rule, (memory.w, memory.g, memory.rule), steps.rates[s], number, powers)

        steps.losses[s] = losses
        following = min(s + 1, steps.rates.size - 1)
        same = start == steps.starts[following] and stop == steps.stops[following] and stop - start <= memory.rows
        stays = same and network.keeps_inputs


def predict_rows(network: Network | Branched, memory: Memory, x: Any, out: Any) -> None:
    """The logits of the rows x in evaluation mode."""
    plain = plain_of(network)
    num_ops, num_out = plain.kinds.size, out.shape[1]
    for start in range(0, x.shape[0], memory.rows):
        num_rows = min(memory.rows, x.shape[0] - start)
        rows = in_lanes(num_rows, memory.values)
        for i in range(x.shape[1]):
            for r in range(rows):
                memory.values[i * rows + r] = x[start + min(r, num_rows - 1), i]
        for k in range(num_ops):
            evaluate(network, memory, k, rows)
        for o in range(num_out):
            for r in range(num_rows):
                out[start + r, o] = memory.values[plain.places[num_ops] * rows + o * rows + r]
