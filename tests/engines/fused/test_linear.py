"""The products of a linear layer on lanes, for every number of units around a block's, beside numpy's."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from numba import njit

from fivestep.engines.fused._tables import aligned
from fivestep.engines.fused.body.linear import Matrix, add_products, weighted_sums
from fivestep.engines.fused.body.steps import Memory
from tests.tolerances import ENGINES_FLOAT64

SIZES = [*product(range(1, 7), range(1, 10)), (17, 3), (9, 21)]
ROWS = (8, 24, 40)


@njit
def forward(matrix: Matrix, values: Any, here: int, there: int, rows: int) -> None:
    weighted_sums(matrix, values, here, there, rows, False)


@njit
def through(matrix: Matrix, values: Any, here: int, there: int, rows: int) -> None:
    weighted_sums(matrix, values, here, there, rows, True)


@njit
def gradient(matrix: Matrix, memory: Memory, here: int, there: int, rows: int) -> None:
    add_products(matrix, memory, here, there, rows)


def numbers(*shape: int) -> Any:
    return np.random.default_rng(list(shape)).normal(size=shape)


def is_close(got: Any, expected: Any) -> bool:
    return bool(np.abs(got - expected).max() <= ENGINES_FLOAT64 * np.abs(expected).max())


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize(("num_out", "num_in"), SIZES)
def test_sums_forward_and_back_are_numpys(num_out: int, num_in: int, rows: int) -> None:
    w, b, x, dz = numbers(num_out, num_in), numbers(num_out), numbers(num_in, rows), numbers(num_out, rows)
    flat, there = np.concatenate([w.ravel(), b]), num_in * rows
    values = np.concatenate([x.ravel(), np.zeros(num_out * rows)])
    forward(Matrix(flat, 0, num_out, num_in, num_in, 1, w.size), values, 0, there, rows)
    assert is_close(values[there:].reshape(num_out, rows), w @ x + b[:, None])
    slopes, derivative = np.concatenate([numbers(num_in, rows).ravel(), dz.ravel()]), numbers(num_in, rows)
    through(Matrix(flat, 0, num_in, num_out, 1, num_in, -1), slopes, there, 0, rows)
    assert is_close(slopes[:there].reshape(num_in, rows), derivative * (w.T @ dz))


@pytest.mark.parametrize("has_bias", [True, False])
@pytest.mark.parametrize(("num_out", "num_in"), SIZES)
def test_gradient_adds_up_as_numpys(num_out: int, num_in: int, has_bias: bool) -> None:
    rows = ROWS[-1]
    x, dz, before = numbers(num_in, rows), numbers(num_out, rows), numbers(num_out * num_in + num_out)
    values, slopes = (np.concatenate([part.ravel() for part in parts]) for parts in ((x, np.ones(rows)), (x, dz)))
    none, sums, g = np.zeros(0), aligned(16, np.float64), before.copy()
    memory = Memory(none, none, none, values, slopes, none, none, sums, rows)
    bias = num_out * num_in if has_bias else -1
    gradient(Matrix(g, 0, num_out, num_in, num_in, 1, bias), memory, 0, num_in * rows, rows)
    expected = np.concatenate([(dz @ x.T).ravel(), dz.sum(1) if has_bias else np.zeros(num_out)])
    assert is_close(g - before, expected)
