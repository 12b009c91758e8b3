"""Rows that are chosen from an array are those that indexing copies, and are not copied before they are used."""

from typing import Any

import numpy as np
import pytest

from fivestep.estimators._chosen import ChosenRows
from fivestep.estimators._inputs import Inputs, Scaled, Unchanged
from fivestep.estimators._reading import Table

NUM_ROWS, NUM_COLUMNS = 60, 3


def numbers(order: Any, dtype: str) -> np.ndarray:
    """Some of them missing."""
    drawn = np.random.default_rng(0).normal(size=(NUM_ROWS, NUM_COLUMNS))
    drawn[3:9, 1] = np.nan
    return np.array(drawn, dtype, order=order)


def places() -> np.ndarray:
    return np.random.default_rng(1).permutation(NUM_ROWS)[:40]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_chosen_rows_are_those_of_the_array(order: str, dtype: str) -> None:
    x = numbers(order, dtype)
    rows = ChosenRows(x, places()).take(np.arange(5, 30))
    copied = x[places()][5:30]
    assert (rows.shape, rows.dtype) == (copied.shape, copied.dtype)
    np.testing.assert_array_equal(rows[:], copied)
    np.testing.assert_array_equal(rows[3:7], copied[3:7])
    np.testing.assert_array_equal(rows.column(1), copied[:, 1])


@pytest.mark.parametrize("order", ["C", "F"])
def test_rows_of_a_table_are_scaled_as_their_copy_is(order: str) -> None:
    x, weight = numbers(order, "float32"), np.linspace(0.5, 2, NUM_ROWS)
    table = Table(x, np.zeros(NUM_ROWS), weight).take(places())
    lazily, copied = (Scaled.fit(rows, table.weight) for rows in (table.x, x[places()]))
    assert_same(lazily, copied, table.x, x[places()])


@pytest.mark.parametrize("order", ["C", "F"])
def test_numbers_that_stay_as_they_are_have_the_moments_of_their_copy(order: str) -> None:
    x = np.nan_to_num(numbers(order, "float32"))
    rows = ChosenRows(x, places())
    assert Unchanged.fit(rows) == Unchanged.fit(x[places()])
    assert_same(Unchanged.fit(rows), Unchanged.fit(x[places()]), rows, x[places()])


def assert_same(one: Inputs, other: Inputs, rows: ChosenRows, copied: np.ndarray) -> None:
    np.testing.assert_array_equal(one.transform(rows, np.float32), other.transform(copied, np.float32))


def test_rows_of_an_array_are_not_copied_when_they_are_taken() -> None:
    table = Table(numbers("C", "float32"), np.zeros(NUM_ROWS), None)
    train = table.take(places()).take(np.arange(20))
    assert train.x.array is table.x
    assert train.x.shape == (20, NUM_COLUMNS)
