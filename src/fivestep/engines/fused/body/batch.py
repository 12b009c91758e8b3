"""Batch normalization, as `layers/batch_norm.py` derives it, for the layout of `linear.py`: a unit's rows are one line.

So a sum over the rows runs along a line. The normalized values n overwrite the inputs. The padding of a line's last
register takes no part: n is 0 there, and so is the gradient.
"""

import math
from typing import Any, NamedTuple

from llvmlite import ir
from numba.extending import intrinsic

from .lanes import apart, every, get, load, put, store, total, where, width


class BatchNormed(NamedTuple):
    """A norm over the batch: its eps, momentum (0: plain means), units, and the places of weight and bias (-1: none).

    In `buffers`, the running mean begins at `running`; the running variance and the number of batches follow. The
    second half of `buffers` keeps the scale s of each unit for the backward pass.
    """

    eps: float
    momentum: float
    units: int
    weight: int
    bias: int
    running: int


@intrinsic
def numbered(typing: Any, value: Any) -> Any:
    """A vector of the numbers 0, 1, 2, ..."""

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return ir.Constant(args[0].type, [float(k) for k in range(value.count)])

    return value(value), emit


@apart
def normalize_batch(norm: BatchNormed, memory: Any, places: tuple[int, int], sizes: tuple[int, int]) -> None:
    """Computes y = g n + b for a batch, from the first of the places to the second; n overwrites the inputs.

    `sizes` are the number of rows, and the number with the padding of their last register.
    """
    values, buffers, (num_rows, rows) = memory.values, memory.buffers, sizes
    lanes, scales, count = width(values), norm.running + buffers.size // 2, norm.running + 2 * norm.units
    whole = num_rows - num_rows % lanes
    put(buffers, count, get(buffers, count) + 1.0)
    momentum = norm.momentum if norm.momentum > 0.0 else 1.0 / get(buffers, count)
    for o in range(norm.units):
        here, there = places[0] + o * rows, places[1] + o * rows
        total_of = every(values, 0.0)
        for r in range(0, whole, lanes):
            total_of = total_of + load(values, here + r)
        if whole < num_rows:
            last = load(values, here + whole)
            total_of = total_of + where(numbered(last) < num_rows - whole, last, 0.0)
        mean, spread = total(total_of) * (1.0 / num_rows), every(values, 0.0)
        for r in range(0, whole, lanes):
            x = load(values, here + r) - mean
            spread = spread + x * x
        if whole < num_rows:
            x = load(values, here + whole) - mean
            x = where(numbered(x) < num_rows - whole, x, 0.0)
            spread = spread + x * x
        variance = total(spread) * (1.0 / num_rows)
        scale = 1.0 / math.sqrt(variance + norm.eps)
        weight = get(memory.w, norm.weight + o) if norm.weight >= 0 else values.dtype.type(1)
        bias = get(memory.w, norm.bias + o) if norm.bias >= 0 else values.dtype.type(0)
        for r in range(0, rows, lanes):
            n = (load(values, here + r) - mean) * scale
            if r == whole:
                n = where(numbered(n) < num_rows - whole, n, 0.0)
            store(values, here + r, n)
            store(values, there + r, n * weight + bias)
        put(buffers, scales + o, scale)
        before, of_rows = get(buffers, norm.running + o), variance * (num_rows / (num_rows - 1.0))
        put(buffers, norm.running + o, before + momentum * (mean - before))
        before = get(buffers, norm.running + norm.units + o)
        put(buffers, norm.running + norm.units + o, before + momentum * (of_rows - before))


@apart
def back_through_batch(
    norm: BatchNormed, memory: Any, places: tuple[int, int], sizes: tuple[int, int], later: bool, needs_dx: bool
) -> None:
    """Computes dg = sum dy n and db = sum dy over the rows, and dx = g s (dy - mean(dy) - n mean(dy n)).

    If `later`, dg and db are added to the gradient that is there.
    """
    values, gradients, g, (num_rows, rows) = memory.values, memory.gradients, memory.g, sizes
    lanes, scales = width(values), norm.running + memory.buffers.size // 2
    whole = num_rows - num_rows % lanes
    for o in range(norm.units):
        here, there = places[0] + o * rows, places[1] + o * rows
        of_bias = of_weight = every(values, 0.0)
        for r in range(0, rows, lanes):
            dy = load(gradients, there + r)
            of_bias, of_weight = of_bias + dy, of_weight + dy * load(values, here + r)
        sum_of_dy, along = total(of_bias), total(of_weight)
        factor = get(memory.buffers, scales + o)
        if norm.weight >= 0:
            put(g, norm.weight + o, along + (get(g, norm.weight + o) if later else g.dtype.type(0)))
            put(g, norm.bias + o, sum_of_dy + (get(g, norm.bias + o) if later else g.dtype.type(0)))
            factor = factor * get(memory.w, norm.weight + o)
        if needs_dx:
            mean, mean_along = sum_of_dy * (1.0 / num_rows), along * (1.0 / num_rows)
            for r in range(0, rows, lanes):
                dx = (load(gradients, there + r) - mean - load(values, here + r) * mean_along) * factor
                if r == whole:
                    dx = where(numbered(dx) < num_rows - whole, dx, 0.0)
                store(gradients, here + r, dx)


@apart
def normalize_as_known(norm: BatchNormed, memory: Any, places: tuple[int, int], rows: int) -> None:
    """Computes y = g n + b with the running mean and variance, as in evaluation."""
    values, buffers = memory.values, memory.buffers
    for o in range(norm.units):
        here, there = places[0] + o * rows, places[1] + o * rows
        mean, variance = get(buffers, norm.running + o), get(buffers, norm.running + norm.units + o)
        scale = 1.0 / math.sqrt(variance + norm.eps)
        weight = get(memory.w, norm.weight + o) if norm.weight >= 0 else values.dtype.type(1)
        bias = get(memory.w, norm.bias + o) if norm.bias >= 0 else values.dtype.type(0)
        for r in range(0, rows, width(values)):
            store(values, there + r, (load(values, here + r) - mean) * scale * weight + bias)
