"""The linear layer on lanes: four units at a time, so that each number that is loaded is used four times.

Rows lie side by side: unit o of a layer is `values[at + o * rows : at + (o + 1) * rows]`, and `rows` is a multiple of
the lanes. A weight is one number for all of them.
"""

from typing import Any, NamedTuple

from .lanes import every, inline, load, store, total, width



class Matrix(NamedTuple):
    """A matrix in a flat vector: element (o, i) is numbers[first + o step_out + i step_in].

    The weights W (O, I) have the steps I and 1; the steps 1 and I, with O and I changed over, make it W^T.
    """

    numbers: Any
    first: int
    num_out: int
    num_in: int
    step_out: int
    step_in: int


@inline
def weighted_sums(matrix: Matrix, bias: int, values: Any, here: int, there: int, rows: int) -> None:
    """values[there:]_o = b_o + sum_i matrix_oi values[here:]_i for every row; b begins at `bias`, if that is not -1.

    Forward it is z = W a + b, backward da = W^T dz.
    """
    w, o = matrix.numbers, 0
    while o + 4 <= matrix.num_out:
        at, step = matrix.first + o * matrix.step_out, matrix.step_out
        b0 = every(values, w[bias + o] if bias >= 0 else 0.0)
        b1 = every(values, w[bias + o + 1] if bias >= 0 else 0.0)
        b2 = every(values, w[bias + o + 2] if bias >= 0 else 0.0)
        b3 = every(values, w[bias + o + 3] if bias >= 0 else 0.0)
        for r in range(0, rows, width(values)):
            z0, z1, z2, z3 = b0, b1, b2, b3
            for i in range(matrix.num_in):
                a, k = load(values, here + i * rows + r), at + i * matrix.step_in
                z0 = z0 + w[k] * a
                z1 = z1 + w[k + step] * a
                z2 = z2 + w[k + 2 * step] * a
                z3 = z3 + w[k + 3 * step] * a
            store(values, there + o * rows + r, z0)
            store(values, there + (o + 1) * rows + r, z1)
            store(values, there + (o + 2) * rows + r, z2)
            store(values, there + (o + 3) * rows + r, z3)
        o += 4
    while o < matrix.num_out:
        at = matrix.first + o * matrix.step_out
        b0 = every(values, w[bias + o] if bias >= 0 else 0.0)
        for r in range(0, rows, width(values)):
            z0 = b0
            for i in range(matrix.num_in):
                z0 = z0 + w[at + i * matrix.step_in] * load(values, here + i * rows + r)
            store(values, there + o * rows + r, z0)
        o += 1


@inline
def add_products(gradient: Matrix, a: Any, here: int, dz: Any, there: int, rows: int) -> None:
    """gradient_oi += sum over the rows of dz[there:]_o a[here:]_i: that of the weights, dW = dz^T a."""
    g, num_in, o = gradient.numbers, gradient.num_in, 0
    while o + 4 <= gradient.num_out:
        at = there + o * rows
        for i in range(num_in):
            s0, s1, s2, s3 = every(dz, 0.0), every(dz, 0.0), every(dz, 0.0), every(dz, 0.0)
            for r in range(0, rows, width(dz)):
                value = load(a, here + i * rows + r)
                s0 = s0 + value * load(dz, at + r)
                s1 = s1 + value * load(dz, at + rows + r)
                s2 = s2 + value * load(dz, at + 2 * rows + r)
                s3 = s3 + value * load(dz, at + 3 * rows + r)
            k = gradient.first + o * num_in + i
            g[k] += total(s0)
            g[k + num_in] += total(s1)
            g[k + 2 * num_in] += total(s2)
            g[k + 3 * num_in] += total(s3)
        o += 4
    while o < gradient.num_out:
        for i in range(num_in):
            s0 = every(dz, 0.0)
            for r in range(0, rows, width(dz)):
                s0 = s0 + load(a, here + i * rows + r) * load(dz, there + o * rows + r)
            g[gradient.first + o * num_in + i] += total(s0)
        o += 1


@inline
def add_row_sums(g: Any, first: int, dz: Any, there: int, num_out: int, rows: int) -> None:
    """g[first + o] += sum over the rows of dz[there:]_o: the gradient of the biases."""
    for o in range(num_out):
        s = every(dz, 0.0)
        for r in range(0, rows, width(dz)):
            s = s + load(dz, there + o * rows + r)
        g[first + o] += total(s)
