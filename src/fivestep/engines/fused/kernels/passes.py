"""What lies between two large products, each as one pass over memory: activation, loss, way back, update.

Numbers are read in the type they have, bfloat16 or float32, worked with in float32, and written in the type of the
place they go to. N rows, O columns.
"""

import triton
import triton.language as tl

IDENTITY, RELU, TANH, SIGMOID, GELU, GELU_TANH, SILU = (tl.constexpr(k) for k in range(7))
SGD, ADAM = (tl.constexpr(k) for k in range(2))
SLOPE, CUBIC = tl.constexpr(0.7978845608028654), tl.constexpr(0.044715)
"""sqrt(2 / pi) and the factor of z^3 in `gelu_tanh`."""


@triton.jit
def _sigmoid(z):
    return 1.0 / (1.0 + tl.exp(-z))


@triton.jit
def _value(z, KIND: tl.constexpr):
    """The activation a = f(z), as the file of that name in `activations/` has it."""
    if KIND == RELU:
        return tl.maximum(z, 0.0)
    if KIND == TANH:
        return 2.0 * _sigmoid(2.0 * z) - 1.0
    if KIND == SIGMOID:
        return _sigmoid(z)
    if KIND == GELU:
        return z * 0.5 * (1.0 + tl.erf(z * 0.7071067811865476))
    if KIND == GELU_TANH:
        return z * _sigmoid(2.0 * SLOPE * (z + CUBIC * z * z * z))
    if KIND == SILU:
        return z * _sigmoid(z)
    return z


@triton.jit
def _derivative(z, KIND: tl.constexpr):
    """The derivative f'(z)."""
    if KIND == RELU:
        return tl.where(z > 0.0, 1.0, 0.0)
    if KIND == TANH:
        t = 2.0 * _sigmoid(2.0 * z) - 1.0
        return 1.0 - t * t
    if KIND == SIGMOID:
        s = _sigmoid(z)
        return s * (1.0 - s)
    if KIND == GELU:
        density = 0.3989422804014327 * tl.exp(-0.5 * z * z)
        return 0.5 * (1.0 + tl.erf(z * 0.7071067811865476)) + z * density
    if KIND == GELU_TANH:
        s = _sigmoid(2.0 * SLOPE * (z + CUBIC * z * z * z))
        return s + z * s * (1.0 - s) * 2.0 * SLOPE * (1.0 + 3.0 * CUBIC * z * z)
    if KIND == SILU:
        s = _sigmoid(z)
        return s + z * s * (1.0 - s)
    return z * 0.0 + 1.0


@triton.jit
def activate(z, a, count, KIND: tl.constexpr, SIZE: tl.constexpr):
    """Writes a = f(z), element by element."""
    at = tl.program_id(0).to(tl.int64) * SIZE + tl.arange(0, SIZE)
    kept = at < count
    tl.store(a + at, _value(tl.load(z + at, mask=kept, other=0).to(tl.float32), KIND), mask=kept)


@triton.jit
def back(da, z, dz, parts, N, O, KIND: tl.constexpr, ROWS: tl.constexpr, TN: tl.constexpr, TO: tl.constexpr):
    """Writes dz = da f'(z), and the sums of its columns over each band of ROWS rows into `parts` (bands, O)."""
    outs = tl.program_id(1) * TO + tl.arange(0, TO)
    sums = tl.zeros((TN, TO), tl.float32)
    for start in range(0, ROWS, TN):
        rows = tl.program_id(0) * ROWS + start + tl.arange(0, TN)
        at, kept = rows[:, None].to(tl.int64) * O + outs[None, :], (rows < N)[:, None] & (outs < O)[None, :]
        slope = _derivative(tl.load(z + at, mask=kept, other=0).to(tl.float32), KIND)
        slope = (tl.load(da + at, mask=kept, other=0).to(tl.float32) * slope).to(dz.dtype.element_ty)
        tl.store(dz + at, slope, mask=kept)
        sums += slope.to(tl.float32)
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
        error = tl.load(z + at, mask=kept, other=0).to(tl.float32) - tl.load(y + at, mask=kept, other=0).to(tl.float32)
        error_share = error / N
        if WEIGHTED:
            error_share = error * tl.load(shares + rows, mask=rows < N, other=0)[:, None]
        slope = (2.0 * error_share / O).to(dz.dtype.element_ty)
        tl.store(dz + at, slope, mask=kept)
        sums += slope.to(tl.float32)
        loss += error * error_share
    tl.store(parts + tl.program_id(0) * O + outs, tl.sum(sums, 0), mask=outs < O)
    tl.store(losses + tl.program_id(0) * tl.num_programs(1) + tl.program_id(1), tl.sum(loss) / O)


@triton.jit(do_not_specialize=["s"])
def update(
    w, found, m, v, rounded, settings, longest, count, s,
    RULE: tl.constexpr, BETA1: tl.constexpr, BETA2: tl.constexpr, EPS: tl.constexpr, DECAY: tl.constexpr,
    ROUNDS: tl.constexpr, SIZE: tl.constexpr,
):  # fmt: skip
    """Moves the weights w by the gradient that was `found`, and writes what the next step multiplies by.

    `settings` are rate, root and shrink as for `tiles.update`. With ROUNDS, the weights are copied to `rounded`.
    """
    at = tl.program_id(0).to(tl.int64) * SIZE + tl.arange(0, SIZE)
    kept = at < count
    rate, root = tl.load(settings + s), tl.load(settings + longest + s)
    shrink = tl.load(settings + 2 * longest + s)
    before, dw = tl.load(w + at, mask=kept, other=0), tl.load(found + at, mask=kept, other=0).to(tl.float32)
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
    after = before - rate * dw
    tl.store(w + at, after, mask=kept)
    if ROUNDS:
        tl.store(rounded + at, after, mask=kept)
