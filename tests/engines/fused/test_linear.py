"""The products of a linear layer on lanes, for every number of units around a block's, beside numpy's."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from numba import njit

from fivestep.engines.fused.body import kinds as kind
from fivestep.engines.fused.body.linear import Matrix, add_products, weighted_gradients, weighted_sums
from fivestep.engines.fused.body.network import Memory
from tests.tolerances import ENGINES_FLOAT64

SIZES = [*product(range(1, 7), range(1, 10)), (17, 3), (9, 21)]
ROWS = (8, 24, 40)


@njit
def forward(matrix: Matrix, which: int, values: Any, here: int, places: tuple[int, int], rows: int) -> None:
    weighted_sums(matrix, which, values, here, places, rows)


@njit
def through(matrix: Matrix, memory: Memory, there: int, to: int, rows: int, is_through: bool) -> None:
    weighted_gradients(matrix, memory, there, to, rows, is_through)


@njit
def gradient(matrix: Matrix, memory: Memory, here: int, there: int, rows: int, later: bool) -> None:
    add_products(matrix, memory, here, there, rows, later)


def numbers(*shape: int) -> Any:
    return np.random.default_rng(list(shape)).normal(size=shape)


def memory_of(values: Any, gradients: Any, rows: int) -> Memory:
    none = np.zeros(0)
    return Memory(none, none, none, values, gradients, none, none, none, rows)


def is_close(got: Any, expected: Any) -> bool:
    return bool(np.abs(got - expected).max() <= ENGINES_FLOAT64 * np.abs(expected).max())


ACTIVATIONS = {
    kind.LINEAR: (lambda z: z, None),
    kind.RELU: (lambda z: np.maximum(z, 0), lambda z: np.where(z > 0, 1.0, 0.0)),
    kind.TANH: (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
}


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize(("num_out", "num_in"), SIZES)
@pytest.mark.parametrize("which", ACTIVATIONS)
def test_sums_and_what_activations_make_of_them_are_numpys(which: int, num_out: int, num_in: int, rows: int) -> None:
    w, b, x = numbers(num_out, num_in), numbers(num_out), numbers(num_in, rows)
    activation, derivative = ACTIVATIONS[which]
    under = num_in * rows
    there, size = under + num_out * rows, num_out * rows
    values = np.concatenate([x.ravel(), np.zeros(2 * size)])
    matrix = Matrix(np.concatenate([w.ravel(), b]), 0, num_out, num_in, num_in, 1, w.size)
    forward(matrix, which, values, 0, (there, under), rows)
    z = w @ x + b[:, None]
    assert is_close(values[there:].reshape(num_out, rows), activation(z))
    expected = np.zeros_like(z) if derivative is None else derivative(z)
    assert np.abs(values[under:there].reshape(num_out, rows) - expected).max() <= ENGINES_FLOAT64


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize(("num_out", "num_in"), SIZES)
@pytest.mark.parametrize("is_through", [True, False])
def test_gradients_go_back_as_numpys(is_through: bool, num_out: int, num_in: int, rows: int) -> None:
    w, dz, derivative = numbers(num_out, num_in), numbers(num_out, rows), numbers(num_in, rows)
    gradients, there = np.concatenate([numbers(num_in, rows).ravel(), dz.ravel()]), num_in * rows
    memory = memory_of(np.concatenate([derivative.ravel(), numbers(num_out * rows)]), gradients, rows)
    through(Matrix(w.ravel(), 0, num_in, num_out, 1, num_in, -1), memory, there, 0, rows, is_through)
    assert is_close(gradients[:there].reshape(num_in, rows), (derivative if is_through else 1.0) * (w.T @ dz))


@pytest.mark.parametrize("has_bias", [True, False])
@pytest.mark.parametrize(("num_out", "num_in"), SIZES)
def test_gradient_is_numpys_and_a_later_part_of_it_is_added(num_out: int, num_in: int, has_bias: bool) -> None:
    """With what lies around it left alone."""
    rows = ROWS[-1]
    x, dz, g = numbers(num_in, rows), numbers(num_out, rows), numbers(num_out * num_in + num_out + 16)
    before = g.copy()
    memory = memory_of(x.ravel(), np.concatenate([np.zeros(num_in * rows), dz.ravel()]), rows)
    bias = num_out * num_in if has_bias else -1
    matrix = Matrix(g, 0, num_out, num_in, num_in, 1, bias)
    expected = np.concatenate([(dz @ x.T).ravel(), dz.sum(1) if has_bias else before[num_out * num_in : -16]])
    gradient(matrix, memory, 0, num_in * rows, rows, False)
    assert is_close(g[:-16], expected)
    gradient(matrix, memory, 0, num_in * rows, rows, True)
    assert is_close(g[: num_out * num_in], 2 * expected[: num_out * num_in])
    assert np.array_equal(g[-16:], before[-16:])
