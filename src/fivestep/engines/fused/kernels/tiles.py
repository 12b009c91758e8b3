"""A dense network's step in tiles of matrices: layers with their activations, loss, backward pass and update.

A tile of a product stays in registers until everything that depends on it alone is done: bias and activation, the loss
of its rows and their gradient, the update of its weights. So a step of L linear layers takes 3 L - 2 kernels, four for
one hidden layer, and none of them only copies numbers.

Shapes: N rows, x (N, I), weights (O, I), z and a (N, O). `PRECISION` is Triton's word for a product's digits.
"""

import triton
import triton.language as tl

from ..body import kinds as kind
from .items import activated, decayed_move, derivative_of, of_output, of_step

_CROSS_ENTROPY = tl.constexpr(kind.CROSS_ENTROPY)


@triton.jit(do_not_specialize=["first"])
def forward(
    x, order, w, b, a, kept, N, O, I, scale, first,
    STORED: tl.constexpr, GATHERS: tl.constexpr, SCALES: tl.constexpr, KIND: tl.constexpr,
    PRECISION: tl.constexpr, TN: tl.constexpr, TO: tl.constexpr, TI: tl.constexpr,
):  # fmt: skip
    """Computes a = f(x W^T + b), tile by tile.

    If x holds STORED rows, row n is row first + n of it, or row order[first + n] if it GATHERS, times `scale` if it
    SCALES. The converted rows are also written to `kept` (N, I), for the update.
    """
    rows, outs = tl.program_id(0) * TN + tl.arange(0, TN), tl.program_id(1) * TO + tl.arange(0, TO)
    here = rows < N
    begins = rows.to(tl.int64)
    if GATHERS:
        begins = tl.load(order + first + rows, mask=here, other=0)
    elif STORED:
        begins += first
    z = tl.zeros((TN, TO), tl.float32)
    at = begins[:, None] * I + tl.arange(0, TI)[None, :]
    ahead = tl.load(x + at, mask=here[:, None] & (tl.arange(0, TI) < I)[None, :], other=0)
    for start in range(0, I, TI):
        ins = start + tl.arange(0, TI)
        if STORED:  # rows may be anywhere in memory: load the next part while this one is multiplied
            part = ahead.to(tl.float32)
            ahead = tl.load(x + at + start + TI, mask=here[:, None] & (ins + TI < I)[None, :], other=0)
            if SCALES:
                part = part * scale
            if tl.program_id(1) == 0:
                tl.store(kept + rows[:, None] * I + ins[None, :], part, mask=here[:, None] & (ins < I)[None, :])
        else:
            part = tl.load(x + at + start, mask=here[:, None] & (ins < I)[None, :], other=0)
        weights = tl.load(w + outs[None, :] * I + ins[:, None], mask=(outs < O)[None, :] & (ins < I)[:, None], other=0)
        z = tl.dot(part, weights, z, input_precision=PRECISION)
    z += tl.load(b + outs, mask=outs < O, other=0)[None, :]
    tl.store(a + rows[:, None] * O + outs[None, :], activated(z, KIND, 0.0), mask=here[:, None] & (outs < O)[None, :])


@triton.jit
def _measured(z, y, first, rows, outs, N, O, LOSS: tl.constexpr, OPTION: tl.constexpr):
    """The loss of each row, and its gradient with respect to the logits z (TN, TO), of which the first O exist."""
    there = (outs < O)[None, :]
    if LOSS == _CROSS_ENTROPY:
        label = tl.load(y + first + rows, mask=rows < N, other=0)
        shifted = tl.where(there, z - tl.max(tl.where(there, z, float("-inf")), 1)[:, None], 0.0)
        e = tl.where(there, tl.exp(shifted), 0.0)
        total = tl.sum(e, 1)
        target = tl.where(outs[None, :] == label[:, None], 1.0 - OPTION, 0.0) + OPTION / O
        loss = tl.log(total) - tl.sum(target * shifted, 1)
        dz = e / total[:, None] - target
    else:
        at = (first + rows)[:, None] * O + outs[None, :]
        target = tl.load(y + at, mask=(rows < N)[:, None] & there, other=0).to(tl.float32)
        each, dz = of_output(z, target, LOSS, OPTION)
        loss, dz = tl.sum(tl.where(there, each, 0.0), 1) / O, dz / O
    return loss, tl.where(there, dz, 0.0)


@triton.jit
def _derivative(a, at, kept, KIND: tl.constexpr):
    """The derivative of an activation at some places, for activations whose derivative follows from the value."""
    value = tl.load(a + at, mask=kept, other=0)
    return derivative_of(value, value, KIND, 0.0)


@triton.jit(do_not_specialize=["first"])
def head(
    a, w, b, y, shares, da, dz, losses, N, O, I, first,
    WEIGHTED: tl.constexpr, LOSS: tl.constexpr, OPTION: tl.constexpr, KIND: tl.constexpr, PRECISION: tl.constexpr,
    TN: tl.constexpr, TO: tl.constexpr, TI: tl.constexpr,
):  # fmt: skip
    """The last layer for a few rows: logits, loss, and the gradients of the logits and of the layer before it.

    z = a W^T + b; dz (N, TO) is dL/dz; da (N, I) is (dz W) f'(a), f being the activation that made a. `losses` gets the
    sum of these rows' losses, times their shares of the batch.
    """
    rows, outs = tl.program_id(0) * TN + tl.arange(0, TN), tl.arange(0, TO)
    here = (rows < N)[:, None]
    z = tl.zeros((TN, TO), tl.float32)
    for start in range(0, I, TI):
        ins = start + tl.arange(0, TI)
        part = tl.load(a + rows[:, None] * I + ins[None, :], mask=here & (ins < I)[None, :], other=0)
        weights = tl.load(w + outs[None, :] * I + ins[:, None], mask=(outs < O)[None, :] & (ins < I)[:, None], other=0)
        z = tl.dot(part, weights, z, input_precision=PRECISION)
    z += tl.load(b + outs, mask=outs < O, other=0)[None, :]
    loss, gradient = _measured(z, y, first, rows, outs, N, O, LOSS, OPTION)
    share = tl.load(shares + first + rows, mask=rows < N, other=0) if WEIGHTED else tl.where(rows < N, 1.0 / N, 0.0)
    tl.store(losses + tl.program_id(0), tl.sum(loss * share))
    gradient = gradient * share[:, None]
    tl.store(dz + rows[:, None] * TO + outs[None, :], gradient, mask=here)
    for start in range(0, I, TI):
        ins = start + tl.arange(0, TI)
        weights = tl.load(w + outs[:, None] * I + ins[None, :], mask=(outs < O)[:, None] & (ins < I)[None, :], other=0)
        back_here = tl.dot(gradient, weights, input_precision=PRECISION)
        at = rows[:, None] * I + ins[None, :]
        kept = here & (ins < I)[None, :]
        tl.store(da + at, back_here * _derivative(a, at, kept, KIND), mask=kept)


@triton.jit
def backward(
    dz, w, a, da, N, O, I,
    KIND: tl.constexpr, PRECISION: tl.constexpr, TN: tl.constexpr, TO: tl.constexpr, TI: tl.constexpr,
):  # fmt: skip
    """Computes da = (dz W) f'(a), tile by tile: dz (N, O), W (O, I), a and da (N, I)."""
    rows, ins = tl.program_id(0) * TN + tl.arange(0, TN), tl.program_id(1) * TI + tl.arange(0, TI)
    total = tl.zeros((TN, TI), tl.float32)
    for start in range(0, O, TO):
        outs = start + tl.arange(0, TO)
        part = tl.load(dz + rows[:, None] * O + outs[None, :], mask=(rows < N)[:, None] & (outs < O)[None, :], other=0)
        weights = tl.load(w + outs[:, None] * I + ins[None, :], mask=(outs < O)[:, None] & (ins < I)[None, :], other=0)
        total = tl.dot(part, weights, total, input_precision=PRECISION)
    at, kept = rows[:, None] * I + ins[None, :], (rows < N)[:, None] & (ins < I)[None, :]
    tl.store(da + at, total * _derivative(a, at, kept, KIND), mask=kept)


@triton.jit
def _update_at(at, kept, dw, grad, places, now, RULE: tl.constexpr, DECAY: tl.constexpr):
    """Updates the weights at those places by their gradient, which is stored as well."""
    tl.store(grad + at, dw, mask=kept)
    w = tl.load(places[0] + at, mask=kept, other=0)
    decayed_move(w, dw, at, kept, places, now, RULE, DECAY)


@triton.jit(do_not_specialize=["s"])
def update(
    dz, x, flat, grad, m, v, u, settings, parts, losses, at_w, at_b, N, O, I, width, longest, num_parts, s,
    RULE: tl.constexpr, DECAY: tl.constexpr, PRECISION: tl.constexpr,
    TN: tl.constexpr, TO: tl.constexpr, TI: tl.constexpr, PARTS: tl.constexpr,
):  # fmt: skip
    """Computes a tile of dW = dz^T x, and updates the layer's weights by it, and its biases.

    dz has rows of `width` numbers, of which the first O count. W and b begin at `at_w` and `at_b` of the flat vectors.
    `settings` (4, longest) are those of all steps (`of_step`), and this is step s. Its loss is the sum of the
    `num_parts` numbers in `parts`, which are added PARTS at a time.
    """
    outs, ins = tl.program_id(0) * TO + tl.arange(0, TO), tl.program_id(1) * TI + tl.arange(0, TI)
    dw, all_dz = tl.zeros((TO, TI), tl.float32), tl.zeros((TO, TN), tl.float32)
    for start in range(0, N, TN):
        rows = start + tl.arange(0, TN)
        there = (rows < N)[None, :] & (outs < O)[:, None]
        part_of_dz = tl.load(dz + rows[None, :] * width + outs[:, None], mask=there, other=0)
        part = tl.load(x + rows[:, None] * I + ins[None, :], mask=(rows < N)[:, None] & (ins < I)[None, :], other=0)
        dw = tl.dot(part_of_dz, part, dw, input_precision=PRECISION)
        all_dz += part_of_dz
    places, now = (flat, m, v, u), of_step(settings, longest, s)
    at, kept = at_w + outs[:, None] * I + ins[None, :], (outs < O)[:, None] & (ins < I)[None, :]
    _update_at(at, kept, dw, grad, places, now, RULE, DECAY)
    if tl.program_id(1) == 0:
        _update_at(at_b + outs, outs < O, tl.sum(all_dz, 1), grad, places, now, RULE, DECAY)
        if PARTS > 0 and tl.program_id(0) == 0:
            loss = tl.zeros((PARTS,), tl.float32)
            for start in range(0, num_parts, PARTS):
                each = start + tl.arange(0, PARTS)
                loss += tl.load(parts + each, mask=each < num_parts, other=0)
            tl.store(losses + s, tl.sum(loss))
