"""The five steps of a network with one hidden layer as one Triton kernel: a program does a block of its steps.

A batched step writes the outputs of the layers to the device's memory and reads them back. Here the rows of a network
are in the registers of 32 threads, and its weights, gradient and memory, some hundred numbers, in the L1 cache, from
the first step of the block to the last. The units of the hidden layer are computed one after another, forward and again
in the backward pass, so that their number takes no registers: computing a unit twice is cheaper than keeping it.
"""

from typing import Any, NamedTuple

import triton
import triton.language as tl

from ...fused.body import kinds as kind
from ...fused.kernels.items import activated, derivative_of, move, of_classes, of_output

_CROSS_ENTROPY = tl.constexpr(kind.CROSS_ENTROPY)


class Memory(NamedTuple):
    """For all networks, (K, P) each: weights, gradient, three slots of the rule's memory, an average; decays (K,)."""

    w: Any
    g: Any
    m: Any
    v: Any
    u: Any
    average: Any
    decay: Any


class Steps(NamedTuple):
    """For n steps: rows (n,), rates and L2 strengths (n, K), bias corrections (n, 2), losses (n, K).

    `about` has n and the number of steps before them.
    """

    about: Any
    sizes: Any
    rates: Any
    l2: Any
    corrections: Any
    losses: Any


class Rows(NamedTuple):
    """Inputs, targets and shares, and where a step's rows are: `places` (n, K, B), or None for all in their order.

    Where there are no shares, all rows weigh alike. Then come the strides: of a network, a row and a column in x, of a
    network in y, of a step and a network in shares; and B. They are fields, as Triton loses a 1 in a tuple in a tuple.
    """

    x: Any
    y: Any
    shares: Any
    places: Any
    x_network: Any
    x_row: Any
    x_column: Any
    y_network: Any
    share_step: Any
    share_network: Any
    size: Any


@triton.jit
def take(rows, now, here, num_rows, INPUTS: tl.constexpr):
    """The rows of a tile: where they lie, their inputs column by column, and their shares; `now` is step, network."""
    s, k, step = now[0], now[1], now[2]
    live, where, x, inputs = here < num_rows, here.to(tl.int64), rows.x, ()  # a table may have more than 2^31 numbers
    if rows.places is None:
        x += k * rows.x_network
    else:
        where = tl.load(rows.places + step * rows.size + here, mask=live, other=0).to(tl.int64)
    x += where * rows.x_row
    for _ in tl.static_range(INPUTS):
        inputs = inputs + (tl.load(x, mask=live, other=0.0),)
        x += rows.x_column
    if rows.shares is None:
        share = tl.where(live, tl.full(here.shape, 1.0, x.dtype.element_ty) / num_rows, 0.0)
    else:
        share = tl.load(rows.shares + s * rows.share_step + k * rows.share_network + here, mask=live, other=0.0)
    return where, inputs, share


@triton.jit
def unit(x, w, h, NET: tl.constexpr):
    """The input of unit h of the hidden layer, z = w x + b, and its output."""
    z = x[0] * tl.load(w + NET[5] + h * NET[0])
    for i in tl.static_range(1, NET[0]):
        z += x[i] * tl.load(w + NET[5] + h * NET[0] + i)
    if NET[6] >= 0:
        z += tl.load(w + NET[6] + h)
    return z, activated(z, NET[3], NET[4])


@triton.jit
def biases(w, like, NET: tl.constexpr):
    """The outputs before the first unit is added."""
    z = ()
    for o in tl.static_range(NET[2]):
        if NET[8] >= 0:
            z = z + (like * 0.0 + tl.load(w + NET[8] + o),)
        else:
            z = z + (like * 0.0,)
    return z


@triton.jit
def with_unit(z, a, w, h, NET: tl.constexpr):
    """The outputs with one more unit."""
    more = ()
    for o in tl.static_range(NET[2]):
        more = more + (z[o] + a * tl.load(w + NET[7] + o * NET[1] + h),)
    return more


@triton.jit
def measure(z, y, where, live, share, LOSS: tl.constexpr):
    """The weighted sum of the rows' losses, and its gradient."""
    O: tl.constexpr = LOSS[2]
    share = share.to(z[0].dtype)
    if LOSS[0] == _CROSS_ENTROPY:
        total, gradients = of_classes(z, tl.load(y + where, mask=live, other=0), LOSS[1], O)
    else:
        total, gradients, share = z[0] * 0.0, (), share / O
        for o in tl.static_range(O):
            value, d = of_output(z[o], tl.load(y + where * O + o, mask=live, other=0.0), LOSS[0], LOSS[1])
            total += value
            gradients = gradients + (d,)
    d = ()
    for o in tl.static_range(O):
        d = d + (tl.where(live, gradients[o] * share, 0.0),)
    return tl.sum(tl.where(live, total * share, 0.0)), d


@triton.jit
def put(place, values, later):
    """The sum over the rows, in place of what was there or added to it."""
    tl.store(place, tl.sum(values) + tl.load(place, mask=later, other=0.0))


@triton.jit
def back_through(x, d, at, h, later, NET: tl.constexpr):
    """The chain rule through unit h: what it finds for the weights around the unit goes to the gradient."""
    w, g = at[0], at[1]
    z, a = unit(x, w, h, NET)
    da = a * 0.0
    for o in tl.static_range(NET[2]):
        da += d[o] * tl.load(w + NET[7] + o * NET[1] + h)
        put(g + NET[7] + o * NET[1] + h, d[o] * a, later)
    dz = da * derivative_of(z, a, NET[3], NET[4])
    for i in tl.static_range(NET[0]):
        put(g + NET[5] + h * NET[0] + i, dz * x[i], later)
    if NET[6] >= 0:
        put(g + NET[6] + h, dz, later)


@triton.jit
def put_biases(d, g, later, NET: tl.constexpr):
    """The gradient of the outputs' biases."""
    if NET[8] >= 0:
        for o in tl.static_range(NET[2]):
            put(g + NET[8] + o, d[o], later)


@triton.jit
def weights_and_gradient(memory, at, has, places, l2, RULE: tl.constexpr):
    """Weights, what of them an L2 term counts, and their gradient with that term, each number within its limit."""
    w, dw = tl.load(memory.w + at, mask=has, other=0.0), tl.load(memory.g + at, mask=has, other=0.0)
    matrices = w
    if RULE[3] > 0:
        matrices = tl.where(places < RULE[3], w, 0.0)
        dw += l2 * matrices
    if RULE[4] is not None:
        limit = tl.full(dw.shape, RULE[4], dw.dtype)
        dw = tl.where(dw < -limit, -limit, tl.where(dw > limit, limit, dw))
    return w, matrices, dw


@triton.jit
def share_of_norm(memory, k, l2, CODE: tl.constexpr):
    """The factor that clips a gradient's norm."""
    RULE: tl.constexpr = CODE[2]
    total = l2 * 0.0
    for start in range(0, CODE[3], CODE[4]):
        places = start + tl.arange(0, CODE[4])
        _, _, dw = weights_and_gradient(memory, k * CODE[3] + places, places < CODE[3], places, l2, RULE)
        total += tl.sum(dw * dw)
    factor = RULE[5] / (tl.sqrt(total) + 1e-6)
    return tl.where(factor > 1.0, 1.0, factor)


@triton.jit
def update(memory, steps, s, k, num_networks, CODE: tl.constexpr):
    """Step 5 for all parameters of a network: L2 term, clipping, decay, the rule, the average. Returns the L2 term.

    Some hundred parameters at a time, so that all that a rule remembers of them has room in registers.
    """
    RULE: tl.constexpr = CODE[2]
    now = s * num_networks + k
    lr, l2, decay = tl.load(steps.rates + now), tl.load(steps.l2 + now), tl.load(memory.decay + k)
    corrections, is_first = (
        (tl.load(steps.corrections + 2 * s), tl.load(steps.corrections + 2 * s + 1)),
        tl.load(steps.about + 1) + s == 0,
    )
    penalty, factor = lr * 0.0, lr * 0.0 + 1.0
    if RULE[5] is not None:
        factor = share_of_norm(memory, k, l2, CODE)
    for start in range(0, CODE[3], CODE[4]):
        places = start + tl.arange(0, CODE[4])
        has, at = places < CODE[3], k * CODE[3] + places
        w, matrices, dw = weights_and_gradient(memory, at, has, places, l2, RULE)
        if RULE[3] > 0:
            penalty += tl.sum(matrices * matrices) * l2 / 2
        if RULE[5] is not None:
            dw *= factor
        if RULE[6] == 1:
            dw += decay * w
        elif RULE[6] == 2:
            w *= 1.0 - lr * decay
        w = move(w, dw, at, has, (memory.w, memory.m, memory.v, memory.u), lr, corrections, RULE)
        if RULE[7] is not None:
            average, one = tl.load(memory.average + at, mask=has, other=0.0), tl.full(w.shape, 1.0, w.dtype)
            share = tl.where(is_first, one, (1.0 - RULE[7]) * one)
            tl.store(memory.average + at, average + share * (w - average), mask=has)
    return penalty


@triton.jit
def train_steps(memory, steps, rows, num_networks, CODE: tl.constexpr, BLOCK: tl.constexpr):
    """The steps of a block of one network, whose number is the program's.

    CODE holds NET: inputs, units, outputs, kind and option of the activation, and where the first layer's weights and
    biases and the second's lie (-1: none); LOSS: kind, option, outputs; the rule; the parameters, and how many of them
    are moved at a time.
    """
    k = tl.program_id(0).to(tl.int64)
    NET: tl.constexpr = CODE[0]
    UNITS: tl.constexpr = NET[1]
    w, g = memory.w + k * CODE[3], memory.g + k * CODE[3]
    for s in range(tl.load(steps.about)):
        num_rows, step = tl.load(steps.sizes + s), s * num_networks + k
        total, y = tl.load(w) * 0.0, rows.y
        if rows.places is None:
            y += k * rows.y_network
        for start in range(0, num_rows, BLOCK):
            here = start + tl.arange(0, BLOCK)
            where, x, share = take(rows, (s, k, step), here, num_rows, NET[0])

            # 1  predict
            z = biases(w, x[0], NET)
            for h in range(UNITS):
                _, a = unit(x, w, h, NET)
                z = with_unit(z, a, w, h, NET)

            # 2  measure
            loss, d = measure(z, y, where, here < num_rows, share, CODE[1])
            total += loss

            # 3  forget the last gradient: the first tile of a step is put in its place
            later = start > 0

            # 4  find the new one
            for h in range(UNITS):
                back_through(x, d, (w, g), h, later, NET)
            put_biases(d, g, later, NET)
            tl.debug_barrier()

        # 5  step downhill
        total += update(memory, steps, s, k, num_networks, CODE)
        tl.store(steps.losses + s * num_networks + k, total)
        tl.debug_barrier()
