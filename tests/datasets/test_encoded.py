"""Parts of a table are encoded while the table itself is given up."""

import weakref
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from fivestep.check import InputError
from fivestep.datasets._table import encoded
from fivestep.datasets._table.encoded import encoded_parts
from fivestep.datasets._table.split import Taken
from fivestep.table.encoder import Encoder
from fivestep.table.kinds import kinds_of


def frame_of(num_rows: int, seed: int) -> pl.DataFrame:
    """A number with gaps, another one, a yes or no, a date and a category of many levels."""
    chance = np.random.default_rng(seed)
    gaps: Any = [None if missing else 0.5 * row for row, missing in enumerate(chance.random(num_rows) < 0.3)]
    return pl.DataFrame(
        {
            "gaps": gaps,
            "number": chance.normal(size=num_rows),
            "yes": chance.choice(["y", "n"], num_rows),
            "day": pl.date_range(pl.date(2020, 1, 1), pl.date(2020, 1, 1) + pl.duration(days=num_rows - 1), eager=True),
            "town": chance.choice([f"t{k}" for k in range(12)], num_rows),
        }
    )


def places(*rows: int) -> pl.Series:
    return pl.Series(rows, dtype=pl.UInt32)


@pytest.mark.parametrize("at_a_time", [1, 7, 1000])
def test_parts_of_two_tables_are_encoded_to_the_bits_they_have_as_wholes(
    monkeypatch: pytest.MonkeyPatch, at_a_time: int
) -> None:
    monkeypatch.setattr(encoded, "ROWS_AT_A_TIME", at_a_time)
    first, second = frame_of(100, 0), frame_of(40, 1)
    encoder = Encoder.fit(first, kinds_of(first))
    evens, odds = (pl.Series(range(start, 100, 2), dtype=pl.UInt32) for start in (0, 1))
    whole = pl.Series(range(40), dtype=pl.UInt32)
    expected = [encoder.encode(frame[rows]) for frame, rows in ((first, evens), (second, whole), (first, odds))]
    found = encoded_parts(encoder, [Taken(first, evens), Taken(second, whole, "other.csv"), Taken(first, odds)])
    assert [torch.equal(a, b) for a, b in zip(found, expected, strict=True)] == [True] * 3


def test_a_part_without_rows_has_no_rows() -> None:
    frame = frame_of(100, 0)
    encoder = Encoder.fit(frame, kinds_of(frame))
    found = encoded_parts(encoder, [Taken(frame, places(3, 4)), Taken(frame, places())])
    assert [tuple(x.shape) for x in found] == [(2, encoder.in_features), (0, encoder.in_features)]


def test_nobody_holds_the_table_while_its_last_rows_are_encoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoded, "ROWS_AT_A_TIME", 50)
    frame = frame_of(100, 0)
    encoder = Encoder.fit(frame, kinds_of(frame))
    parts, held, seen = [Taken(frame, places(*range(100)))], weakref.ref(frame), []
    encode = encoded._encode
    monkeypatch.setattr(encoded, "_encode", lambda *given: (seen.append(held()), encode(*given)))
    del frame
    encoded_parts(encoder, parts)
    assert seen == [None, None]
    assert parts == []


def test_a_value_that_cannot_be_read_is_named_by_its_row_in_its_own_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoded, "ROWS_AT_A_TIME", 7)
    frame = pl.DataFrame({"a": [0.5 * row for row in range(30)]})
    encoder = Encoder.fit(frame, kinds_of(frame))
    wrong = pl.DataFrame({"a": [*range(20), float("inf"), *range(9)]}, strict=False)
    sentence = r"^in later\.csv, column 'a' must hold finite numbers, got 'inf' in row 21; "
    with pytest.raises(InputError, match=sentence):
        encoded_parts(encoder, [Taken(frame, places(*range(30))), Taken(wrong, places(1, 20, 25), "later.csv")])
