"""A dense network's step in tiles of matrices: layers with their activations, the loss, the way back, the update.

A tile of a product stays in registers until all that follows from it alone is done: bias and activation, the loss of
its rows and their gradient, the update of its weights. So a step of L linear layers takes 3 L - 2 kernels, four for one
hidden layer, and none of them only moves numbers.

Shapes: N rows, x (N, I), weights (O, I), z and a (N, O). `PRECISION` is Triton's word for a product's digits.
"""

import triton
import triton.language as tl

IDENTITY, RELU, TANH, SIGMOID = (tl.constexpr(k) for k in range(4))
CROSS_ENTROPY, MSE, BINARY_CROSS_ENTROPY = (tl.constexpr(k) for k in range(3))
SGD, ADAM = (tl.constexpr(k) for k in range(2))


@triton.jit
def _activated(z, KIND: tl.constexpr):
    if KIND == RELU:
        return tl.maximum(z, 0.0)
    if KIND == TANH:
        return 2.0 / (1.0 + tl.exp(-2.0 * z)) - 1.0
    if KIND == SIGMOID:
        return 1.0 / (1.0 + tl.exp(-z))
    return z


@triton.jit
def _slope(a, KIND: tl.constexpr):
    """The derivative of an activation, from its value."""
    if KIND == RELU:
        return tl.where(a > 0.0, 1.0, 0.0)
    if KIND == TANH:
        return 1.0 - a * a
    if KIND == SIGMOID:
        return a * (1.0 - a)
    return a * 0.0 + 1.0


@triton.jit(do_not_specialize=["first"])
def forward(
    x, order, w, b, a, kept, N, O, I, scale, first,
    STORED: tl.constexpr, GATHERS: tl.constexpr, SCALES: tl.constexpr, KIND: tl.constexpr,
    PRECISION: tl.constexpr, TN: tl.constexpr, TO: tl.constexpr, TI: tl.constexpr,
):  # fmt: skip
    """Computes a = f(x W^T + b), tile by tile.

    Where x is as it is STORED, row n is row first + n, or row order[first + n] where it GATHERS, times `scale`; as
    numbers it is written to `kept` (N, I) on the way, for the update.
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
        if STORED:  # rows that lie anywhere: the next part is on its way while this one is multiplied
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
    tl.store(a + rows[:, None] * O + outs[None, :], _activated(z, KIND), mask=here[:, None] & (outs < O)[None, :])


@triton.jit
def _measured(z, y, first, rows, outs, N, O, LOSS: tl.constexpr):
    """The loss of each row, and its gradient by the logits, for logits z (TN, TO) of which the first O are there."""
    there = (outs < O)[None, :]
    if LOSS == CROSS_ENTROPY:
        label = tl.load(y + first + rows, mask=rows < N, other=0)
        shifted = tl.where(there, z, float("-inf"))
        shifted = shifted - tl.max(shifted, 1)[:, None]
        e = tl.where(there, tl.exp(shifted), 0.0)
        total = tl.sum(e, 1)
        is_label = outs[None, :] == label[:, None]
        loss = tl.log(total) - tl.sum(tl.where(is_label, shifted, 0.0), 1)
        dz = e / total[:, None] - tl.where(is_label, 1.0, 0.0)
    else:
        at = (first + rows)[:, None] * O + outs[None, :]
        target = tl.load(y + at, mask=(rows < N)[:, None] & there, other=0).to(tl.float32)
        if LOSS == MSE:
            each = (z - target) * (z - target)
            dz = 2.0 * (z - target) / O
        else:
            each = tl.maximum(z, 0.0) - z * target + tl.log(1.0 + tl.exp(-tl.abs(z)))
            dz = (1.0 / (1.0 + tl.exp(-z)) - target) / O
        loss = tl.sum(tl.where(there, each, 0.0), 1) / O
    return loss, tl.where(there, dz, 0.0)


@triton.jit(do_not_specialize=["first"])
def head(
    a, w, b, y, shares, da, dz, losses, N, O, I, first,
    WEIGHTED: tl.constexpr, LOSS: tl.constexpr, KIND: tl.constexpr, PRECISION: tl.constexpr, TN: tl.constexpr,
    TO: tl.constexpr, TI: tl.constexpr,
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
    loss, slope = _measured(z, y, first, rows, outs, N, O, LOSS)
    share = tl.load(shares + first + rows, mask=rows < N, other=0) if WEIGHTED else tl.where(rows < N, 1.0 / N, 0.0)
    tl.store(losses + tl.program_id(0), tl.sum(loss * share))
    slope = slope * share[:, None]
    tl.store(dz + rows[:, None] * TO + outs[None, :], slope, mask=here)
    for start in range(0, I, TI):
        ins = start + tl.arange(0, TI)
        weights = tl.load(w + outs[:, None] * I + ins[None, :], mask=(outs < O)[:, None] & (ins < I)[None, :], other=0)
        back_here = tl.dot(slope, weights, input_precision=PRECISION)
        at = rows[:, None] * I + ins[None, :]
        kept = here & (ins < I)[None, :]
        tl.store(da + at, back_here * _slope(tl.load(a + at, mask=kept, other=0), KIND), mask=kept)


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
    tl.store(da + at, total * _slope(tl.load(a + at, mask=kept, other=0), KIND), mask=kept)


@triton.jit
def _descend(
    at, kept, dw, w, grad, m, v, rate, root, shrink,
    RULE: tl.constexpr, BETA1: tl.constexpr, BETA2: tl.constexpr, EPS: tl.constexpr, DECAY: tl.constexpr,
):  # fmt: skip
    """Moves the weights at those places by their gradient, which is kept too.

    For Adam, `rate` is already divided by 1 - beta1^t, and `root` is the root of 1 - beta2^t.
    """
    tl.store(grad + at, dw, mask=kept)
    before = tl.load(w + at, mask=kept, other=0)
    if DECAY != 0.0:
        dw += DECAY * before
    before = before * shrink
    if RULE == ADAM:
        mean, square = tl.load(m + at, mask=kept, other=0), tl.load(v + at, mask=kept, other=0)
        mean += (1.0 - BETA1) * (dw - mean)
        square = BETA2 * square + (1.0 - BETA2) * dw * dw
        tl.store(m + at, mean, mask=kept)
        tl.store(v + at, square, mask=kept)
        dw = mean / (tl.sqrt_rn(square) / root + EPS)
    tl.store(w + at, before - rate * dw, mask=kept)


@triton.jit(do_not_specialize=["s"])
def update(
    dz, x, flat, grad, m, v, settings, parts, losses, at_w, at_b, N, O, I, width, longest, num_parts, s,
    RULE: tl.constexpr, BETA1: tl.constexpr, BETA2: tl.constexpr, EPS: tl.constexpr, DECAY: tl.constexpr,
    PRECISION: tl.constexpr, TN: tl.constexpr, TO: tl.constexpr, TI: tl.constexpr, PARTS: tl.constexpr,
):  # fmt: skip
    """The update of a tile of a layer's weights, by the tile of dW = dz^T x that is added up here, and of its biases.

    dz has rows of `width` numbers, of which O count. W and b begin at these places of the flat vectors. `settings`
    (3, longest) are rate, root and shrink of each step, of which this is number s; its loss is the sum of the `parts`.
    """
    outs, ins = tl.program_id(0) * TO + tl.arange(0, TO), tl.program_id(1) * TI + tl.arange(0, TI)
    dw, all_dz = tl.zeros((TO, TI), tl.float32), tl.zeros((TO, TN), tl.float32)
    for start in range(0, N, TN):
        rows = start + tl.arange(0, TN)
        there = (rows < N)[None, :] & (outs < O)[:, None]
        slopes = tl.load(dz + rows[None, :] * width + outs[:, None], mask=there, other=0)
        part = tl.load(x + rows[:, None] * I + ins[None, :], mask=(rows < N)[:, None] & (ins < I)[None, :], other=0)
        dw = tl.dot(slopes, part, dw, input_precision=PRECISION)
        all_dz += slopes
    rate, root = tl.load(settings + s), tl.load(settings + longest + s)
    shrink = tl.load(settings + 2 * longest + s)
    at, kept = at_w + outs[:, None] * I + ins[None, :], (outs < O)[:, None] & (ins < I)[None, :]
    _descend(at, kept, dw, flat, grad, m, v, rate, root, shrink, RULE, BETA1, BETA2, EPS, DECAY)
    if tl.program_id(1) == 0:
        db = tl.sum(all_dz, 1)
        _descend(at_b + outs, outs < O, db, flat, grad, m, v, rate, root, shrink, RULE, BETA1, BETA2, EPS, DECAY)
        if PARTS > 0 and tl.program_id(0) == 0:
            places = tl.arange(0, PARTS)
            tl.store(losses + s, tl.sum(tl.load(parts + places, mask=places < num_parts, other=0)))
