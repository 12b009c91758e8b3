"""The linear layer on lanes, in blocks of several units, so that each number that is loaded is used several times.

Rows lie side by side: unit o of a layer is `values[at + o * rows : at + (o + 1) * rows]`, and `rows` is a multiple of
the lanes. A weight is one number for all of them. Where a block reaches beyond the last rows or inputs, it does some
once more, or for nothing.
"""

from typing import Any, NamedTuple

from .lanes import every, inline, load, store, width
from .tiles import store_products, weighted


class Matrix(NamedTuple):
    """A matrix in a flat vector: element (o, i) is numbers[first + o step_out + i step_in].

    The weights W (O, I) have the steps I and 1; the steps 1 and I, with O and I changed over, make it W^T. The biases
    begin at `bias`; -1 stands for none.
    """

    numbers: Any
    first: int
    num_out: int
    num_in: int
    step_out: int
    step_in: int
    bias: int


@inline
def _bias(matrix: Matrix, o: int) -> Any:
    return every(matrix.numbers, matrix.numbers[matrix.bias + o] if matrix.bias >= 0 else 0.0)


@inline
def _sum(values: Any, at: int, weighted_sum: Any, bias: Any, times: bool) -> Any:
    """What is to be stored."""
    return load(values, at) * weighted_sum if times else weighted_sum + bias


@inline
def weighted_sums(matrix: Matrix, values: Any, here: int, there: int, rows: int, times: bool) -> None:
    """values[there:]_o = b_o + sum_i matrix_oi values[here:]_i for every row: z = W a + b forward, da = W^T dz back.

    With `times`, what is in values[there:] is multiplied by the sum instead: on the way back through an activation, its
    derivative.
    """
    w, step, o = matrix.numbers, matrix.step_out, 0
    num_in, lanes, last = matrix.num_in, width(values), rows - width(values)
    while o + 4 <= matrix.num_out:
        k, u0 = matrix.first + o * step, there + o * rows
        u1, u2, u3 = u0 + rows, u0 + 2 * rows, u0 + 3 * rows
        b0, b1, b2, b3 = _bias(matrix, o), _bias(matrix, o + 1), _bias(matrix, o + 2), _bias(matrix, o + 3)
        for r in range(0, rows, 2 * lanes):
            q, at = min(r + lanes, last), (k, k + step, k + 2 * step, k + 3 * step)
            z = weighted((w, at, matrix.step_in), (values, (here + r, here + q), rows), num_in)
            y0, y1 = _sum(values, u0 + r, z[0], b0, times), _sum(values, u1 + r, z[1], b1, times)
            y2, y3 = _sum(values, u2 + r, z[2], b2, times), _sum(values, u3 + r, z[3], b3, times)
            y4, y5 = _sum(values, u0 + q, z[4], b0, times), _sum(values, u1 + q, z[5], b1, times)
            y6, y7 = _sum(values, u2 + q, z[6], b2, times), _sum(values, u3 + q, z[7], b3, times)
            store(values, u0 + r, y0)
            store(values, u1 + r, y1)
            store(values, u2 + r, y2)
            store(values, u3 + r, y3)
            store(values, u0 + q, y4)
            store(values, u1 + q, y5)
            store(values, u2 + q, y6)
            store(values, u3 + q, y7)
        o += 4
    while o < matrix.num_out:
        k, u, b = matrix.first + o * step, there + o * rows, _bias(matrix, o)
        for r in range(0, rows, 4 * lanes):
            p, q, s = min(r + lanes, last), min(r + 2 * lanes, last), min(r + 3 * lanes, last)
            from_places = (here + r, here + p, here + q, here + s)
            z = weighted((w, (k,), matrix.step_in), (values, from_places, rows), num_in)
            y0, y1 = _sum(values, u + r, z[0], b, times), _sum(values, u + p, z[1], b, times)
            y2, y3 = _sum(values, u + q, z[2], b, times), _sum(values, u + s, z[3], b, times)
            store(values, u + r, y0)
            store(values, u + p, y1)
            store(values, u + q, y2)
            store(values, u + s, y3)
        o += 1


@inline
def add_products(gradient: Matrix, memory: Any, here: int, there: int, rows: int) -> None:
    """gradient_oi += sum over the rows of slopes[there:]_o values[here:]_i: that of the weights, dW = dz^T a.

    The biases' is that of one more input, which is always 1.
    """
    a, dz, sums = memory.values, memory.slopes, memory.sums
    num_in, o, ones = gradient.num_in, 0, memory.values.size - memory.rows
    count = num_in + 1 if gradient.bias >= 0 else num_in
    while o + 4 <= gradient.num_out:
        at = there + o * rows
        for i in range(0, count, 4):
            h0, h1 = _input(here, i, rows, num_in, ones), _input(here, i + 1, rows, num_in, ones)
            h2, h3 = _input(here, i + 2, rows, num_in, ones), _input(here, i + 3, rows, num_in, ones)
            units = (at, at + rows, at + 2 * rows, at + 3 * rows)
            store_products(sums, (dz, units), (a, (h0, h1, h2, h3)), rows)
            for p in range(4):
                _add(gradient, sums, 4 * p, o + p, i, min(count, i + 4))
        o += 4
    while o < gradient.num_out:
        for i in range(0, count, 8):
            h0, h1 = _input(here, i, rows, num_in, ones), _input(here, i + 1, rows, num_in, ones)
            h2, h3 = _input(here, i + 2, rows, num_in, ones), _input(here, i + 3, rows, num_in, ones)
            h4, h5 = _input(here, i + 4, rows, num_in, ones), _input(here, i + 5, rows, num_in, ones)
            h6, h7 = _input(here, i + 6, rows, num_in, ones), _input(here, i + 7, rows, num_in, ones)
            store_products(sums, (dz, (there + o * rows,)), (a, (h0, h1, h2, h3, h4, h5, h6, h7)), rows)
            _add(gradient, sums, 0, o, i, min(count, i + 8))
        o += 1


@inline
def _input(here: int, i: int, rows: int, num_in: int, ones: int) -> int:
    """Where input i begins; beyond the last one, where the ones do."""
    return here + i * rows if i < num_in else ones


@inline
def _add(gradient: Matrix, sums: Any, at: int, o: int, i: int, stop: int) -> None:
    """Adds sums[at:] to the gradient of unit o, from input i on; the one after the last input is the bias."""
    g, k = gradient.numbers, gradient.first + o * gradient.step_out
    for j in range(i, min(stop, gradient.num_in)):
        g[k + j] += sums[at + j - i]
    if stop > gradient.num_in:
        g[gradient.bias + o] += sums[at + gradient.num_in - i]
