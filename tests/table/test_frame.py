"""Frames of what is in memory."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from fivestep.check import InputError
from fivestep.table.frame import as_frame

COLUMNS: dict[str, list[Any]] = {"a": [1, 2], "b": ["x", None], "c": [0.5, float("nan")], "d": [True, False]}


@pytest.mark.parametrize("table", [COLUMNS, pl.DataFrame(COLUMNS), pl.LazyFrame(COLUMNS)])
def test_columns_come_as_they_are(table: Any) -> None:
    assert as_frame(table).equals(pl.DataFrame(COLUMNS))


def test_pandas_keeps_types_and_gaps() -> None:
    table = pd.DataFrame(COLUMNS).assign(
        e=pd.Categorical(["u", None]), f=pd.to_datetime(["2024-01-05", None]), g=pd.array([1, None], dtype="Int64")
    )
    frame = as_frame(table)
    assert frame.select("a", "b", "d").equals(pl.DataFrame(COLUMNS).select("a", "b", "d"))
    assert frame["c"].fill_nan(None).to_list() == [0.5, None]
    assert frame["e"].to_list() == ["u", None]
    assert str(frame["f"].dtype).startswith("Datetime")
    assert frame["f"].null_count() == 1
    assert frame["g"].to_list() == [1, None]


def test_an_array_has_numbered_columns() -> None:
    assert as_frame(np.arange(6.0).reshape(3, 2)).to_dict(as_series=False) == {
        "column_1": [0, 2, 4],
        "column_2": [1, 3, 5],
    }
    assert as_frame(np.arange(3)).width == 1
    assert as_frame(np.zeros((2, 3, 4), dtype=">f4")).shape == (2, 12)


def test_an_array_with_names_has_these() -> None:
    array = np.array([(1, "x"), (2, "y")], dtype=[("a", "i4"), ("b", "U3")])
    assert as_frame(array).to_dict(as_series=False) == {"a": [1, 2], "b": ["x", "y"]}


def test_what_is_masked_is_null() -> None:
    mask = [[True, False], [False, False]]
    assert as_frame(np.ma.array([[9, 2], [3, 4]], mask=mask)).rows() == [(None, 2), (3, 4)]
    assert as_frame(np.ma.array([["x", "b"], ["c", "d"]], mask=mask)).rows() == [(None, "b"), ("c", "d")]
    assert as_frame(np.ma.array([["x", 2], [3, 4]], mask=mask, dtype=object)).rows() == [(None, 2), (3, 4)]
    fields = np.ma.array(
        [(1.5, "a"), (2.5, "b")], mask=[(True, False), (False, True)], dtype=[("n", float), ("t", "U1")]
    )
    assert as_frame(fields).rows(named=True) == [{"n": None, "t": "a"}, {"n": 2.5, "t": None}]


def test_values_of_several_types_become_texts_and_numbers_stay_numbers() -> None:
    assert as_frame({"m": [1, "x", None]})["m"].to_list() == ["1", "x", None]
    assert as_frame({"m": np.array([1, 2.5, None], dtype=object)})["m"].to_list() == [1, 2.5, None]


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "must have different names, got 'a' as columns 1 and 2"),
        (pl.DataFrame({"a": []}), "must have rows and columns, got 0 and 1"),
        (pl.DataFrame(), "must have rows and columns, got 0 and 0"),
        (np.float64(3), "must be a DataFrame, or an array"),
        (np.zeros(2, dtype=complex), "must be a DataFrame, or an array"),
        (
            pd.DataFrame({"z": [1j, 2]}),
            r"column 'z' must be numbers, .*, got 'complex128'; make a column of each part\.$",
        ),
        ({"z": np.array([1j, 2])}, r"column 'z' must be numbers, .*, got 'complex128'; make a column of each part\.$"),
        (
            pd.DataFrame(COLUMNS).iloc[0],
            r"must be a DataFrame, .*, got a Series; for one row of .* write df\.iloc\[\[0\]\]",
        ),
    ],
)
def test_what_is_no_table_is_refused(table: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        as_frame(table)
