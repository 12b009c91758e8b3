"""The linear layer on lanes, in blocks of several units, so that each number that is loaded is used several times.

The lanes are rows: unit o of a layer is `values[at + o * rows : at + (o + 1) * rows]`, and `rows` is a multiple of the
lanes. A weight is the same number in all lanes. A block that would reach beyond the last rows or inputs begins earlier,
and computes some of them twice.
"""

from typing import Any, NamedTuple

from . import kinds as kind
from .activations import relu, tanh
from .fours import four, join, load_each, shifted, store_each
from .lanes import apart, every, inline, width
from .tiles import store_products, weighted


class Matrix(NamedTuple):
    """A matrix in a flat vector: element (o, i) is numbers[first + o step_out + i step_in].

    The weights W (O, I) have the steps I and 1; with the steps 1 and I, and O and I swapped, it is W^T. The biases
    begin at `bias`; -1 means that there are none.
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
def _activate(which: int, values: Any, there: Any, under: Any, z: Any) -> None:
    """Stores f(z) at values[there] and f'(z) at values[under], four places each; without activation, z at `there`."""
    if which == kind.RELU:
        a, derivative = relu(z)
        store_each(values, there, a)
        store_each(values, under, derivative)
    elif which == kind.TANH:
        a, derivative = tanh(z)
        store_each(values, there, a)
        store_each(values, under, derivative)
    else:
        store_each(values, there, z)


@apart
def weighted_sums(matrix: Matrix, which: int, values: Any, here: int, places: tuple[int, int], rows: int) -> None:
    """z_o = b_o + sum_i w_oi values[here:]_i for every row, and relu or tanh of it.

    f(z) is stored at the first of the places and f'(z) at the second; if `which` is neither of the two, z at the first.
    """
    w, step, o, (there, under) = matrix.numbers, matrix.step_out, 0, places
    num_in, lanes, last = matrix.num_in, width(values), rows - width(values)
    while o + 4 <= matrix.num_out:
        u, v, at = there + o * rows, under + o * rows, four(matrix.first + o * step, step)
        biases = join((_bias(matrix, o), _bias(matrix, o + 1), _bias(matrix, o + 2), _bias(matrix, o + 3)), 0)
        for r in range(0, rows, 2 * lanes):
            q = min(r + lanes, last)
            z = weighted((w, at, matrix.step_in), (values, (here + r, here + q), rows), num_in)
            _activate(which, values, four(u + r, rows), four(v + r, rows), join(z, 0) + biases)
            _activate(which, values, four(u + q, rows), four(v + q, rows), join(z, 4) + biases)
        o += 4
    while o < matrix.num_out:
        u, v, b = there + o * rows, under + o * rows, _bias(matrix, o)
        for r in range(0, rows, 4 * lanes):
            at = (r, min(r + lanes, last), min(r + 2 * lanes, last), min(r + 3 * lanes, last))
            z = weighted((w, (matrix.first + o * step,), matrix.step_in), (values, shifted(at, here), rows), num_in)
            _activate(which, values, shifted(at, u), shifted(at, v), join(z, 0) + join((b, b, b, b), 0))
        o += 1


@inline
def _times(is_through: bool, values: Any, places: Any, da: Any) -> Any:
    """The gradient da, or da f'(z) if it `is_through` an activation as well."""
    return load_each(values, places) * da if is_through else da


@apart
def weighted_gradients(matrix: Matrix, memory: Any, there: int, to: int, rows: int, is_through: bool) -> None:
    """gradients[to:]_i = sum_o matrix_io gradients[there:]_o for every row: da = W^T dz, for the matrix W^T.

    If it `is_through` an activation as well, that times its derivative, which is in values[to:].
    """
    w, step, o, values, dz = matrix.numbers, matrix.step_out, 0, memory.values, memory.gradients
    num_in, lanes, last = matrix.num_in, width(dz), rows - width(dz)
    while o + 4 <= matrix.num_out:
        u, at = to + o * rows, four(matrix.first + o * step, step)
        for r in range(0, rows, 2 * lanes):
            q = min(r + lanes, last)
            z = weighted((w, at, matrix.step_in), (dz, (there + r, there + q), rows), num_in)
            store_each(dz, four(u + r, rows), _times(is_through, values, four(u + r, rows), join(z, 0)))
            store_each(dz, four(u + q, rows), _times(is_through, values, four(u + q, rows), join(z, 4)))
        o += 4
    while o < matrix.num_out:
        u = to + o * rows
        for r in range(0, rows, 4 * lanes):
            at = (r, min(r + lanes, last), min(r + 2 * lanes, last), min(r + 3 * lanes, last))
            z = weighted((w, (matrix.first + o * step,), matrix.step_in), (dz, shifted(at, there), rows), num_in)
            store_each(dz, shifted(at, u), _times(is_through, values, shifted(at, u), join(z, 0)))
        o += 1


@apart
def add_products(gradient: Matrix, memory: Any, here: int, there: int, rows: int, later: bool) -> None:
    """Adds dW = dz^T a to the gradient: element (o, i) gets the sum over the rows of dz_o a_i.

    Here dz is gradients[there:] and a is values[here:]. The biases get the sum of dz_o. In the first part of a batch
    (not `later`), the gradient is overwritten.
    """
    a, dz, g, num_in, o = memory.values, memory.gradients, gradient.numbers, gradient.num_in, 0
    while o + 4 <= gradient.num_out:
        units = four(there + o * rows, rows)
        for i in range(0, num_in, 4):
            inputs = _inputs(here, i, rows, num_in)
            place = gradient.first + o * gradient.step_out + i
            bias = gradient.bias + o if i == 0 and gradient.bias >= 0 else -1
            into = (g, place, gradient.step_out, num_in - i, bias, later)
            store_products(into, (dz, units), (a, inputs), rows)
        o += 4
    while o < gradient.num_out:
        for i in range(0, num_in, 8):
            inputs = _inputs(here, i, rows, num_in) + _inputs(here, i + 4, rows, num_in)
            place = gradient.first + o * gradient.step_out + i
            bias = gradient.bias + o if i == 0 and gradient.bias >= 0 else -1
            into = (g, place, gradient.step_out, num_in - i, bias, later)
            store_products(into, (dz, (there + o * rows,)), (a, inputs), rows)
        o += 1


@inline
def _inputs(here: int, i: int, rows: int, num_in: int) -> tuple[int, int, int, int]:
    """Where four inputs begin, from input i on; after the last one, the last one again."""
    last = num_in - 1
    return (
        here + min(i, last) * rows,
        here + min(i + 1, last) * rows,
        here + min(i + 2, last) * rows,
        here + min(i + 3, last) * rows,
    )
