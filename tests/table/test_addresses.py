"""Columns are found in memory where polars has them, and only where they can be taken as they lie."""

import numpy as np
import polars as pl
import pytest

from fivestep.table._addresses import LETTERS, column_addresses

DOUBLE, SINGLE = LETTERS


def frame() -> pl.DataFrame:
    numbers = np.arange(6) / 2
    return pl.DataFrame(
        {
            "double": numbers,
            "single": numbers.astype(np.float32),
            "whole": range(6),
            "gap": [1.0, None, 2.0, 3.0, 4.0, 5.0],
            "text": list("abcdef"),
            "list": [[1.0]] * 6,
            "day": pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 1, 6), eager=True),
        }
    )


@pytest.mark.parametrize("part", [slice(None), slice(2, None), slice(1, 5)])
def test_plain_numbers_are_found_where_numpy_sees_them(part: slice) -> None:
    rows = frame()[part]
    with column_addresses(rows) as found:
        assert found[0].tolist() == [rows["double"].to_numpy().ctypes.data, DOUBLE]
        assert found[1].tolist() == [rows["single"].to_numpy().ctypes.data, SINGLE]


def test_all_others_are_not() -> None:
    with column_addresses(frame()) as found:
        assert not found[2:].any()


def test_a_column_of_objects_does_no_harm() -> None:
    with column_addresses(frame().with_columns(pl.Series("any", [object()] * 6, dtype=pl.Object))) as found:
        assert found[:, 1].tolist() == [DOUBLE, SINGLE, 0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("rows", [frame()[:0], pl.DataFrame(), pl.concat([frame(), frame()], rechunk=False)])
def test_no_rows_and_rows_in_pieces_are_not_looked_at(rows: pl.DataFrame) -> None:
    with column_addresses(rows) as found:
        assert found.shape == (rows.width, 2)
        assert not found.any()


def test_the_memory_is_the_frames_own_and_given_back() -> None:
    rows = frame()
    with column_addresses(rows) as first, column_addresses(rows) as again:
        assert np.array_equal(first, again)
    assert rows["double"].to_list() == (np.arange(6) / 2).tolist()
