"""Networks abreast: as many networks with one hidden layer as a register has lanes, each in a lane of its own.

They have the same rows and the same plan, but for seed and rate. A weight is a register with that weight of every
network, a number of a row is the same for all lanes: so nothing is ever moved between lanes, no lane is idle, and the
update rule fills its registers. Each sum is added in the order in which `hidden.py` adds it, where rows and units lie
in the lanes (`abreast_sums.py`); so each network is, to the bit, the one that is trained by itself.

Buffers hold whole registers: element k of one is the lanes from `k * width` on.
"""

from typing import Any, NamedTuple

from . import kinds as kind
from .abreast_sums import affine, lane_sums, row_products, unit_products, unit_sums
from .elementwise import exp_of_size
from .fours import four, join, load_four, store_each
from .hidden import activated, takes_active_rows
from .lanes import FOUR, every, get, inline, load, store, where, width
from .losses import Measure, of_output
from .rules import Rule, clip, corrections, powers_after, powers_at, update
from .units import add_product

IN_GROUPS, ONE_CHAIN, TWO_CHAINS, FOUR_CHAINS = (), (0,), (0,) * 2, (0,) * 4
"""Tuples whose lengths are numbers of sums that take the rows in turn, for which code is unrolled."""


class Abreast(NamedTuple):
    """The networks, and room for what a step computes.

    Parameters lie unit by unit: each hidden unit's weights and its bias, then the output's weights, then its bias.
    `x` (N, I) are the rows and `y`, `share` (N,) their targets and weights, with zeros behind them up to whole
    registers of rows, `rows` in all. `units` hidden units, with those that fill up a register in `hidden.py`, have room
    in `a`, the gradient of one in `dz`, logits and their gradient in `z` and `dz2`. `chains` says of each unit in how
    many sums `hidden.py` adds up its gradient, row after row in turn, or 0 where rows are looked up; `together` has an
    element for each unit of a register there.
    """

    which: int
    num_in: int
    num_hidden: int
    units: int
    has_hidden_bias: bool
    has_bias: bool
    rows: int
    x: Any
    y: Any
    share: Any
    chains: Any
    together: Any
    a: Any
    dz: Any
    z: Any
    dz2: Any


class LaneSteps(NamedTuple):
    """The steps, after `done` others: the rates of each (S, lanes), and where the losses go (S, lanes)."""

    done: int
    rates: Any
    losses: Any


@inline
def _forward(net: Abreast, w: Any) -> None:
    """The hidden units and the logits."""
    n, lanes, a, line = net.num_in, width(w), net.a, net.rows * width(w)
    for h in range(0, net.num_hidden, 2):
        other = min(h + 1, net.num_hidden - 1)
        at = h * (n + 1) * lanes, other * (n + 1) * lanes
        biases = load(w, at[0] + n * lanes), load(w, at[1] + n * lanes)
        for r in range(0, net.rows, FOUR):
            z = affine(biases, (net.x, four(r * n, n)), (w, at), n)
            store_each(a, four(h * line + r * lanes, lanes), join(z, 0))
            store_each(a, four(other * line + r * lanes, lanes), join(z, 4))
        for r in range(h * line, (other + 1) * line, FOUR * lanes):
            store_each(a, four(r, lanes), activated(net.which, load_four(a, r)))
    w2 = net.num_hidden * (n + 1) * lanes
    b = load(w, w2 + net.units * lanes)
    for r in range(0, net.rows, 2):
        z = unit_sums((a, (r * lanes, (r + 1) * lanes), line), (w, w2), net.units, net.together)
        store(net.z, r * lanes, z[0] + b)
        store(net.z, (r + 1) * lanes, z[1] + b)


@inline
def _measure_as(which: int, net: Abreast, loss: Measure) -> Any:
    """The loss; the gradient of the logits goes to `dz2`."""
    z, dz, lanes, number = net.z, net.dz2, width(net.z), loss.numbers[0]
    if which == kind.BINARY_CROSS_ENTROPY:
        for r in range(net.rows):
            store(dz, r * lanes, exp_of_size(load(z, r * lanes)))
    for r in range(net.rows):
        value, gradient = of_output(which, load(z, r * lanes), every(z, get(net.y, r)), number, load(dz, r * lanes))
        store(z, r * lanes, value)
        store(dz, r * lanes, every(z, get(net.share, r)) * gradient)
    return lane_sums(z, (net.share,), net.rows)


@inline
def _measure(net: Abreast, loss: Measure) -> Any:
    """The same, written out for the two that are met most."""
    if loss.kind == kind.MSE:
        return _measure_as(kind.MSE, net, loss)
    if loss.kind == kind.BINARY_CROSS_ENTROPY:
        return _measure_as(kind.BINARY_CROSS_ENTROPY, net, loss)
    return _measure_as(loss.kind, net, loss)


@inline
def _gradients(which: int, net: Abreast, dz2: Any, w2: Any, a: Any) -> Any:
    """The gradient w2 dz2 f'(z) of a unit, f' from a = f(z); without w2 where its sums are multiplied by it."""
    da = dz2 if takes_active_rows(which, net.num_in) else dz2 * w2
    return where(a <= 0.0, 0.0, da) if which == kind.RELU else da * (1.0 - a * a)


@inline
def _backward_unit(which: int, net: Abreast, w: Any, g: Any, h: int, chains: Any) -> None:
    """The sums over the rows for one unit: of two inputs, then of four at a time, with its gradient in `dz`."""
    n, lanes, values, is_active = net.num_in, width(g), (net.dz, 0), takes_active_rows(which, net.num_in)
    start, at, w2 = h * net.rows * lanes, h * (n + 1) * lanes, net.num_hidden * (n + 1) * lanes
    weight, one = load(w, w2 + h * lanes), every(g, 1.0)
    within, factor = (one, weight) if is_active else (weight, one)
    unit = net.dz2, net.a, start, within, which
    sums = unit_products(unit, (net.x, (0, min(1, n - 1)), n), net.rows, chains)
    store(g, at + n * lanes, factor * sums[0] if net.has_hidden_bias else every(g, 0.0))
    store(g, at, factor * sums[2])
    store(g, at + min(1, n - 1) * lanes, factor * sums[3])
    of_output = sums[1]
    if is_active:
        of_output = add_product(load(w, at + n * lanes) * sums[0], load(w, at), sums[2])
        of_output = add_product(of_output, load(w, at + lanes), sums[3])
    if n > 2:
        for r in range(0, net.rows * lanes, lanes):
            store(net.dz, r, _gradients(which, net, load(net.dz2, r), weight, load(net.a, start + r)))
    for i in range(2, n, FOUR):
        columns = min(i, n - 1), min(i + 1, n - 1), min(i + 2, n - 1), min(i + 3, n - 1)
        more = row_products((net.x, columns, n), values, net.rows, chains)
        for k in range(FOUR):
            store(g, at + columns[k] * lanes, factor * more[k])
            if is_active and i + k < n:
                of_output = add_product(of_output, load(w, at + (i + k) * lanes), more[k])
    store(g, w2 + h * lanes, of_output)


@inline
def _backward_as(which: int, net: Abreast, w: Any, g: Any) -> None:
    """The chain rule, unit by unit: what one needs is near the processor until its sums are done."""
    lanes, w2 = width(w), net.num_hidden * (net.num_in + 1) * width(w)
    for h in range(net.num_hidden):
        chains = get(net.chains, h)
        if chains == len(FOUR_CHAINS):
            _backward_unit(which, net, w, g, h, FOUR_CHAINS)
        elif chains == len(TWO_CHAINS):
            _backward_unit(which, net, w, g, h, TWO_CHAINS)
        elif chains == len(ONE_CHAIN):
            _backward_unit(which, net, w, g, h, ONE_CHAIN)
        elif which == kind.RELU:
            _backward_unit(which, net, w, g, h, IN_GROUPS)
    store(g, w2 + net.units * lanes, lane_sums(net.dz2, (), net.rows) if net.has_bias else every(g, 0.0))


@inline
def _backward(net: Abreast, w: Any, g: Any) -> None:
    """The same, written out for each of the two activations."""
    if net.which == kind.RELU:
        _backward_as(kind.RELU, net, w, g)
    else:
        _backward_as(kind.TANH, net, w, g)


def train_abreast(net: Abreast, loss: Measure, rule: Rule, steps: LaneSteps, numbers: tuple[Any, Any, Any]) -> None:
    """The steps of all networks, whose weights, gradients and memory of the rule are `numbers`: each is the five."""
    w, g, memory = numbers
    lanes = width(w)
    powers = powers_at(rule, steps.done)
    for s in range(steps.rates.shape[0]):
        # 1  predict
        _forward(net, w)

        # 2  measure
        store(steps.losses, s * lanes, _measure(net, loss))

        # 3  forget the last gradient: the new one is put in its place
        # 4  find the new one
        _backward(net, w, g)

        # 5  step downhill
        clip(g, rule)
        number = steps.done + s + 1
        powers = powers_after(rule, powers, number)
        update(rule, w, g, memory, load(steps.rates, s * lanes), corrections(rule, number, powers))
