"""What is learned of columns from one pass over blocks: kinds, levels and scales are those of all rows together."""

import numpy as np
import polars as pl
import pytest
import torch

from fivestep.check import InputError
from fivestep.table.encoder import Encoder
from fivestep.table.kinds import kinds_of
from fivestep.table.survey import Place, TableSurvey
from fivestep.table.target import fit_target
from fivestep.table.target_survey import TargetSurvey
from fivestep.table.targets import TargetColumns

NUM_ROWS = 500
RNG = np.random.default_rng(0)
Y = pl.Series("y", RNG.normal(size=NUM_ROWS))


def gaps(values: pl.Series, share: float = 0.1) -> pl.Series:
    return values.set(pl.Series(np.random.default_rng(1).random(len(values)) < share), None)


NORMAL = pl.Series(RNG.normal(size=NUM_ROWS))
TOWNS = pl.Series(RNG.choice([f"town {k}" for k in range(20)], NUM_ROWS))
DAYS = pl.Series([f"20{10 + k % 9}-{1 + k % 12:02d}-{1 + k % 28:02d}" for k in range(NUM_ROWS)])
COLUMNS = {
    "numbers": NORMAL,
    "numbers in single precision": NORMAL.cast(pl.Float32),
    "numbers with gaps": gaps(NORMAL),
    "numbers with nan": gaps(NORMAL).fill_null(float("nan")),
    "numbers as text": NORMAL.round(3).cast(pl.String),
    "decimal commas": NORMAL.round(3).cast(pl.String).str.replace(".", ",", literal=True),
    "percentages": NORMAL.round(3).cast(pl.String) + "%",
    "0 and 1 percent": pl.Series(RNG.integers(0, 2, NUM_ROWS)).cast(pl.String) + " %",
    "whole numbers": pl.Series(RNG.integers(0, 50, NUM_ROWS)),
    "0 and 1": pl.Series(RNG.integers(0, 2, NUM_ROWS)),
    "0 and 1 with gaps": gaps(pl.Series(RNG.integers(0, 2, NUM_ROWS))),
    "always the same": pl.Series([3.0] * NUM_ROWS),
    "nothing": pl.Series([None] * NUM_ROWS, dtype=pl.Float64),
    "rows counted": pl.Series(range(7, NUM_ROWS + 7)),
    "truth": pl.Series(RNG.random(NUM_ROWS) < 0.3),
    "two levels": pl.Series(RNG.choice(["f", "m"], NUM_ROWS)),
    "few levels with gaps": gaps(pl.Series(RNG.choice(["a", "b", "c"], NUM_ROWS))),
    "many levels": TOWNS,
    "a rare level": TOWNS.set(pl.Series(np.arange(NUM_ROWS) == 3), "elsewhere"),
    "identifiers": pl.Series([f"row-{k}" for k in range(NUM_ROWS)]),
    "dates as text": DAYS,
    "dates": gaps(DAYS).str.to_date(),
    "moments": DAYS.str.to_datetime("%Y-%m-%d"),
    "lists": pl.Series([[1, 2]] * NUM_ROWS),
}


def surveyed(frame: pl.DataFrame, size: int = 90, **options: object) -> TableSurvey:
    """The frame taken in, some rows at a time."""
    survey = TableSurvey(frame.head(100), **options)  # type: ignore[arg-type]
    for start in range(0, len(frame), size):
        part = frame[start : start + size]
        survey.add(part, Place("a.csv", np.arange(start + 1, start + 1 + len(part))))
    return survey


def encoded_as_whole(frame: pl.DataFrame, **options: object) -> None:
    """Asserts that kinds and encoder are those of the whole frame."""
    survey, expected_kinds = surveyed(frame, **options), kinds_of(frame, **options)  # type: ignore[arg-type]
    kinds, target = survey.kinds(), TargetColumns((fit_target(Y),))
    assert [(kind.name, kind.kind) for kind in kinds] == [(kind.name, kind.kind) for kind in expected_kinds]
    found, expected = survey.encoder(kinds, target), Encoder.fit(frame, expected_kinds, target)
    assert found.columns == expected.columns
    assert found.metadata() == expected.metadata()
    torch.testing.assert_close(found.center, expected.center, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(found.scale, expected.scale, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("values", COLUMNS.values(), ids=COLUMNS)
def test_a_column_is_learned_as_all_of_its_rows_together_teach_it(values: pl.Series) -> None:
    encoded_as_whole(pl.DataFrame({"x": NORMAL, "c": values}))


@pytest.mark.parametrize("name", ["0 and 1", "whole numbers", "many levels", "identifiers", "truth"])
def test_a_category_as_asked_is_learned_so_too(name: str) -> None:
    encoded_as_whole(pl.DataFrame({"x": NORMAL, "c": COLUMNS[name]}), categorical=("c",))


@pytest.mark.parametrize("dtype", [pl.Int64, pl.String])
def test_an_identifier_beyond_what_float64_tells_apart_is_one(dtype: type[pl.DataType]) -> None:
    ids = pl.Series([2**60 + k for k in range(NUM_ROWS)]).cast(dtype)
    assert [kind.kind for kind in surveyed(pl.DataFrame({"x": NORMAL, "user_id": ids})).kinds()][1] == "identifier"


@pytest.mark.parametrize("dtype", [pl.Int64, pl.String])
def test_levels_beyond_what_float64_tells_apart_are_as_many_as_there_are(dtype: type[pl.DataType]) -> None:
    accounts = pl.Series([2**60 + k % 3 for k in range(NUM_ROWS)]).cast(dtype)
    frame = pl.DataFrame({"x": NORMAL, "account": accounts})
    encoded_as_whole(frame, categorical=("account",))
    column = Encoder.fit(frame, kinds_of(frame, categorical=("account",))).columns[1]
    assert len(column.features) == 3


def test_a_column_that_is_ignored_is_not_looked_at() -> None:
    frame = pl.DataFrame({"x": NORMAL, "c": ["oops"] * NUM_ROWS})
    survey = surveyed(frame, ignore=("c",))
    assert survey.columns == ["x"]
    assert survey.kinds()[1].kind == "ignored"


def test_some_rows_of_blocks_teach_what_they_would_alone() -> None:
    frame = pl.DataFrame({"x": NORMAL, "town": TOWNS, "day": DAYS})
    rows = np.flatnonzero(np.random.default_rng(3).random(NUM_ROWS) < 0.5)
    survey = TableSurvey(frame.head(100))
    survey.add(frame, Place("a.csv", rows + 1), rows)
    expected = Encoder.fit(frame[rows], kinds_of(frame[rows]))
    found = survey.encoder(survey.kinds(), TargetColumns((fit_target(Y),)))
    assert found.columns == expected.columns
    torch.testing.assert_close(found.center, expected.center, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (pl.Series(["1.5"] * 450 + ["oops"] * 50), r"column 'c' of a\.csv must hold numbers, .* got 'oops' in row 451"),
        (
            pl.Series([1.5] * 450 + [np.inf] * 50),
            r"column 'c' of a\.csv must hold finite numbers, got 'inf' in row 451",
        ),
        (
            pl.Series(["2024-02-03"] * 450 + ["soon"] * 50),
            r"column 'c' of a\.csv must hold dates, .* got 'soon' in row 451",
        ),
    ],
)
def test_a_value_that_cannot_be_read_is_named_with_its_file_and_row(values: pl.Series, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        surveyed(pl.DataFrame({"c": values}))


def test_a_table_of_which_nothing_can_be_used_is_refused() -> None:
    survey = surveyed(pl.DataFrame({"c": [1] * NUM_ROWS}))
    with pytest.raises(
        InputError, match=r"a table must have a column that a network can use, got c \(constant\); add one"
    ):
        survey.encoder(survey.kinds(), TargetColumns((fit_target(Y),)))


def test_amounts_that_may_be_thousands_are_asked_for_in_a_stream_too() -> None:
    amounts = pl.Series("price", ["1.234 €", "950 €", "2.500 €"] * 10)
    sentence = r"'price' must show .*; say --decimal=, if that is 1234, or --decimal=\. if it is 1\.234\."
    with pytest.raises(InputError, match=f"column {sentence}"):
        TableSurvey(amounts.to_frame())
    with pytest.raises(InputError, match=f"target {sentence}"):
        TargetSurvey(amounts)


@pytest.mark.parametrize(("decimal", "largest"), [(",", 2500.0), (".", 950.0)])
def test_what_stands_before_decimals_can_be_said_of_a_stream_too(decimal: str, largest: float) -> None:
    frame = pl.DataFrame({"price": ["1.234 €", "950 €", "2.500 €"] * 10})
    survey = surveyed(frame, decimal=decimal)
    assert f"to {largest:g}" in survey.kinds()[0].detail
    target = TargetSurvey(frame["price"], decimal=decimal)
    target.add(frame["price"], Place("a.csv", np.arange(1, 31)), np.ones(30, dtype=bool))
    assert target.target() == fit_target(frame["price"], decimal=decimal)


WARNED_OF = {
    "codes": ["98101"] * 300 + ["00501"] * 30,
    "whole numbers that float64 rounds": [str(9007199254740993 + 2 * (k % 20)) for k in range(60)],
    "dates without hyphens": [f"2023{1 + k % 12:02}{1 + k % 28:02}" for k in range(60)],
    "units": [f"{k} {unit}" for k in range(15) for unit in ("kg", "lb")] * 3,
    "words that may stand for gaps": [f"{k % 20}.5" for k in range(60)] + ["unknown"] * 20,
    "dates in two ways": ["2024-02-03", "2024-05-06", "07.08.2024", "29.08.2024"] * 9
    + [f"2023-01-{k}" for k in range(10, 20)],
}


@pytest.mark.parametrize("values", WARNED_OF.values(), ids=WARNED_OF)
def test_what_is_warned_of_in_memory_is_warned_of_in_a_stream_in_the_same_words(values: list[str]) -> None:
    frame = pl.DataFrame({"c": values})
    with pytest.warns(UserWarning, match="column 'c' holds") as in_memory:
        kinds_of(frame)
    with pytest.warns(UserWarning, match="column 'c' holds") as streamed:
        surveyed(frame).kinds()
    assert [str(one.message) for one in streamed] == [str(one.message) for one in in_memory]


def test_of_whole_numbers_of_a_file_of_integers_those_that_float64_rounds_are_warned_of_in_the_same_words() -> None:
    frame = pl.DataFrame({"c": [2**63 - 10_000 * (k % 20) - 1 for k in range(60)]})
    with pytest.warns(UserWarning, match="column 'c' holds '9223372036854775807'") as in_memory:
        kinds_of(frame)
    with pytest.warns(UserWarning, match="column 'c' holds") as streamed:
        surveyed(frame).kinds()
    assert [str(one.message) for one in streamed] == [str(one.message) for one in in_memory]


def test_whole_numbers_of_which_float64_makes_one_are_warned_of() -> None:
    said = "column 'c' holds '100000000000000001', and is taken for constant, but float64 cannot tell that from"
    with pytest.warns(UserWarning, match=said):
        surveyed(pl.DataFrame({"c": [str(10**17 + 1 + k % 3) for k in range(60)]})).kinds()


@pytest.mark.parametrize("value", ["100000000000000000001", 100000000000000001], ids=type)
def test_one_long_number_in_all_rows_is_a_constant_without_a_warning(value: str | int) -> None:
    assert [kind.kind for kind in surveyed(pl.DataFrame({"c": [value] * 60})).kinds()] == ["constant"]


REFUSED = {
    "a word among numbers": ["1.5"] * 59 + ["n/k"],
    "as many classes as rows": [f"c{k}" for k in range(60)],
    "one class": ["yes"] * 60,
    "one number": ["2.5"] * 60,
}


@pytest.mark.parametrize("values", REFUSED.values(), ids=REFUSED)
def test_a_target_is_refused_in_memory_and_in_a_stream_in_the_same_words(values: list[str]) -> None:
    y = pl.Series("y", values)
    with pytest.raises(InputError) as in_memory:
        fit_target(y)
    target = TargetSurvey(y)
    target.add(y, Place("a.csv", np.arange(1, 61)), np.ones(60, dtype=bool))
    with pytest.raises(InputError) as streamed:
        target.target()
    assert str(streamed.value) == str(in_memory.value)


def test_a_survey_asks_a_table_once_for_its_types(monkeypatch: pytest.MonkeyPatch) -> None:
    """The types of all columns are listed anew each time: asked for each column, that takes the square of them."""
    asked = []
    of_frame = pl.DataFrame.schema.fget
    monkeypatch.setattr(pl.DataFrame, "schema", property(lambda frame: asked.append(frame) or of_frame(frame)))
    TableSurvey(pl.DataFrame({f"c{k}": [0.5, 1.5] for k in range(30)}))
    assert len(asked) <= 1
