"""Different values counted block by block: the counts of all rows, and what the column is taken for by them."""

import numpy as np
import polars as pl
import pytest

from fivestep.check import InputError
from fivestep.table import level_counts
from fivestep.table.kinds import kinds_of
from fivestep.table.level_counts import LevelCounts

NUM_ROWS = 240


def counted(values: pl.Series, size: int = 50) -> LevelCounts:
    """The values taken in, `size` rows at a time."""
    found = LevelCounts(values.name)
    for start in range(0, len(values), size):
        part = values[start : start + size]
        found.add(part, np.arange(start + 1, start + 1 + len(part)))
    return found


def drawn(choices: list[object], name: str = "c") -> pl.Series:
    rng = np.random.default_rng(0)
    return pl.Series(name, [choices[k] for k in rng.integers(0, len(choices), NUM_ROWS)])


COLUMNS = {
    "levels": drawn(["red", "green", "blue"]),
    "with gaps": drawn(["red", None, "NA", "blue"]),
    "one": drawn(["red"]),
    "none": pl.Series("c", [None] * NUM_ROWS, dtype=pl.String),
    "yes and no": drawn([True, False]),
    "identifiers": pl.Series("c", [f"row-{k}" for k in range(NUM_ROWS)]),
    "texts": pl.Series(
        "c", [f"a long text that a person wrote by hand, which is number {k} of many" for k in range(NUM_ROWS)]
    ),
}


@pytest.mark.parametrize("values", COLUMNS.values(), ids=COLUMNS)
def test_the_counts_are_those_of_all_rows_together(values: pl.Series) -> None:
    expected = values.alias("value").value_counts(name="rows")
    found = counted(values).counts.select("value", pl.col("rows").cast(pl.UInt32))
    assert dict(found.iter_rows()) == dict(expected.iter_rows())


@pytest.mark.parametrize("values", COLUMNS.values(), ids=COLUMNS)
def test_it_is_taken_for_what_all_rows_together_are_taken_for(values: pl.Series) -> None:
    found, expected = counted(values).kind(), kinds_of(values.to_frame())[0]
    assert (found.name, found.kind) == (expected.name, expected.kind)


def test_a_category_as_asked_is_one_whatever_it_holds() -> None:
    assert counted(COLUMNS["identifiers"]).kind(as_asked=True).kind == "category"


def test_too_many_values_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(level_counts, "MOST", 60)
    found = counted(COLUMNS["identifiers"])
    assert found.is_too_many
    assert (found.kind().kind, found.kind().detail) == ("identifier", "more than 60 different values")
    with pytest.raises(InputError, match="column 'c' must have at most 60 levels to be a category with --stream"):
        found.kind(as_asked=True)


def test_too_many_long_texts_are_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(level_counts, "MOST", 60)
    assert counted(COLUMNS["texts"]).kind().kind == "text"


def test_nearly_all_numbers_are_numbers_with_a_mistake_in_them() -> None:
    values = pl.Series("c", [str(k % 9) for k in range(NUM_ROWS)]).set(pl.Series(np.arange(NUM_ROWS) == 100), "oops")
    with pytest.raises(
        InputError, match=r"column 'c' must hold numbers, as 239 of its 240 values are, got 'oops' in row 101"
    ):
        counted(values).kind()


def test_a_column_that_is_empty_in_the_sample_and_numbers_later_says_so() -> None:
    values = pl.Series("c", [None] * 100 + ["3.5"] * 140)
    with pytest.raises(
        InputError, match=r"column 'c' must have a value in the rows looked at first, .* '3\.5', only later"
    ):
        counted(values).kind()
