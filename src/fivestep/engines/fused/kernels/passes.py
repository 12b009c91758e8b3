"""The work between two large products, one pass over memory each: activation, loss, backward pass, update.

Numbers are read as bfloat16 or float32, computed with in float32, and written in the type of the output. N rows, O
columns.
"""

import triton
import triton.language as tl

from ..body import kinds as kind
from .items import activated, decayed_move, derivative_of, of_output, of_step

_MSE = tl.constexpr(kind.MSE)


@triton.jit
def activate(z, a, count, KIND: tl.constexpr, OPTION: tl.constexpr, SIZE: tl.constexpr):
    """Writes a = f(z), element by element."""
    at = tl.program_id(0).to(tl.int64) * SIZE + tl.arange(0, SIZE)
    kept = at < count
    tl.store(a + at, activated(tl.load(z + at, mask=kept, other=0).to(tl.float32), KIND, OPTION), mask=kept)


@triton.jit
def back(
    da, z, dz, parts, N, O,
    KIND: tl.constexpr, OPTION: tl.constexpr, ROWS: tl.constexpr, TN: tl.constexpr, TO: tl.constexpr,
):  # fmt: skip
    """Writes dz = da f'(z), and the sums of its columns over each band of ROWS rows into `parts` (bands, O)."""
    outs = tl.program_id(1) * TO + tl.arange(0, TO)
    sums = tl.zeros((TN, TO), tl.float32)
    for start in range(0, ROWS, TN):
        rows = tl.program_id(0) * ROWS + start + tl.arange(0, TN)
        at, kept = rows[:, None].to(tl.int64) * O + outs[None, :], (rows < N)[:, None] & (outs < O)[None, :]
        before = tl.load(z + at, mask=kept, other=0).to(tl.float32)
        derivative = derivative_of(before, activated(before, KIND, OPTION), KIND, OPTION)
        each = (tl.load(da + at, mask=kept, other=0).to(tl.float32) * derivative).to(dz.dtype.element_ty)
        tl.store(dz + at, each, mask=kept)
        sums += each.to(tl.float32)
    tl.store(parts + tl.program_id(0) * O + outs, tl.sum(sums, 0), mask=outs < O)


@triton.jit
def squares(
    z, y, shares, dz, parts, losses, N, O,
    WEIGHTED: tl.constexpr, ROWS: tl.constexpr, TN: tl.constexpr, TO: tl.constexpr,
):  # fmt: skip
    """The squared error: dz = 2 (z - y) share / O, its columns' sums as in `back`, and the loss of each tile."""
    outs = tl.program_id(1) * TO + tl.arange(0, TO)
    sums, loss = tl.zeros((TN, TO), tl.float32), tl.zeros((TN, TO), tl.float32)
    for start in range(0, ROWS, TN):
        rows = tl.program_id(0) * ROWS + start + tl.arange(0, TN)
        at, kept = rows[:, None].to(tl.int64) * O + outs[None, :], (rows < N)[:, None] & (outs < O)[None, :]
        target = tl.load(y + at, mask=kept, other=0).to(tl.float32)
        each, gradient = of_output(tl.load(z + at, mask=kept, other=0).to(tl.float32), target, _MSE, 0.0)
        share = tl.full((TN,), 1.0, tl.float32) / N
        if WEIGHTED:
            share = tl.load(shares + rows, mask=rows < N, other=0)
        gradient = (gradient * share[:, None] / O).to(dz.dtype.element_ty)
        tl.store(dz + at, gradient, mask=kept)
        sums += gradient.to(tl.float32)
        loss += each * share[:, None]
    tl.store(parts + tl.program_id(0) * O + outs, tl.sum(sums, 0), mask=outs < O)
    tl.store(losses + tl.program_id(0) * tl.num_programs(1) + tl.program_id(1), tl.sum(loss) / O)


@triton.jit(do_not_specialize=["s"])
def update(
    w, grad, m, v, u, rounded, settings, longest, count, s,
    RULE: tl.constexpr, DECAY: tl.constexpr, ROUNDS: tl.constexpr, SIZE: tl.constexpr,
):  # fmt: skip
    """Updates the weights w by their gradient `grad`.

    `settings` are those of `tiles.update`. With ROUNDS, the new weights are also copied to `rounded`, by which the next
    step multiplies.
    """
    at = tl.program_id(0).to(tl.int64) * SIZE + tl.arange(0, SIZE)
    kept = at < count
    before, dw = tl.load(w + at, mask=kept, other=0), tl.load(grad + at, mask=kept, other=0).to(tl.float32)
    after = decayed_move(before, dw, at, kept, (w, m, v, u), of_step(settings, longest, s), RULE, DECAY)
    if ROUNDS:
        tl.store(rounded + at, after, mask=kept)
