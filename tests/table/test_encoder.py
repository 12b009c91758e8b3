"""The encoder: fitted once, the same for every row ever after."""

import json
import math
import re
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
import torch
from sklearn.preprocessing import RobustScaler
from torch import Tensor

from fivestep.check import InputError
from fivestep.machine.files import metadata_in, tensors_in, write_tensors
from fivestep.table.encoder import MANY_ROWS, Encoder
from fivestep.table.frame import as_frame
from fivestep.table.kinds import ColumnKind, kinds_of
from fivestep.table.pixels import fit_pixels
from fivestep.table.target import fit_target
from fivestep.table.targets import TargetColumns
from tests.tolerances import EXACT, FORMULA, distance

N = 60
TOWNS = [f"town {k}" for k in range(12)]


def table() -> pl.DataFrame:
    """A column of every kind, each with a missing value."""
    chance = np.random.default_rng(0)
    columns: dict[str, list[Any]] = {
        "age": chance.normal(40, 10, N).round(1).tolist(),
        "sex": chance.choice(["f", "m"], N).tolist(),
        "color": chance.choice(["red", "green", "blue"], N).tolist(),
        "town": [TOWNS[k % 12] for k in range(N)],
        "day": [f"2024-{k % 12 + 1:02d}-{k % 28 + 1:02d}" for k in range(N)],
        "price": chance.normal(0, 1, N).tolist(),
    }
    for k, name in enumerate(columns):
        columns[name][k] = None
    return pl.DataFrame(columns)


def fitted(frame: pl.DataFrame, **overrule: Any) -> Encoder:
    return Encoder.fit(frame, kinds_of(frame, **overrule))


def encoded(train: dict[str, list[Any]], new: dict[str, list[Any]], **overrule: Any) -> Tensor:
    return fitted(pl.DataFrame(train), **overrule).encode(pl.DataFrame(new, strict=False), dtype=torch.float64)


def clipped(z: float) -> float:
    return z / math.sqrt(1 + (z / 3) ** 2)


def test_numbers_are_scaled_by_median_and_quartiles_and_clipped_smoothly() -> None:
    values = np.random.default_rng(1).standard_t(2, (50, 3))
    frame = pl.DataFrame({f"x{k}": values[:, k] for k in range(3)})
    z = RobustScaler().fit_transform(values)  # (x - median) / (q75 - q25)
    got = fitted(frame).encode(frame, dtype=torch.float64)
    assert distance(got, torch.from_numpy(z / np.sqrt(1 + (z / 3) ** 2))) < FORMULA


def test_where_the_quartiles_agree_half_the_range_is_the_unit() -> None:
    got = encoded({"x": [0.0] * 9 + [4.0]}, {"x": [0.0, 4.0, -2.0]})
    assert got[:, 0].tolist() == pytest.approx([0, clipped(2), clipped(-1)])


def test_a_missing_number_is_the_median_and_says_so() -> None:
    x = encoded({"x": [1.0, 2.0, 3.0, None]}, {"x": [2.0, None]})
    assert x[:, 0].tolist() == [0, 0]
    assert x[0, 1] != x[1, 1]


@pytest.mark.parametrize("clip", [3.0, None])
def test_rows_decode_to_the_raw_numbers_and_what_is_missing_to_nan(clip: float | None) -> None:
    frame = pl.DataFrame({"a": [1.0, None, 3.0, -70.0], "b": ["x", "y", "y", "x"]})
    encoder = replace(fitted(frame), clip=clip)
    raw = encoder.decode(encoder.encode(frame, dtype=torch.float64))
    assert raw[:, 0].isnan().tolist() == [False, True, False, False]
    expected = torch.tensor([[1, 0, -1], [0, 1, 1], [3, 0, 1], [-70, 0, -1]], dtype=torch.float64)
    assert distance(raw.nan_to_num(), expected) < FORMULA


def test_two_levels_are_one_number_with_the_unknown_between_them() -> None:
    x = encoded({"c": ["a", "b", "a", "b"]}, {"c": ["a", "z", "b"]})
    assert x.shape == (3, 1)
    assert x[0, 0] < x[1, 0] < x[2, 0]


def test_up_to_eight_levels_are_a_column_each_and_the_unknown_is_none_of_them() -> None:
    levels = list("abcdefgh")
    x = encoded({"c": levels * 3}, {"c": [*levels, "z", None]})
    off = x[8]
    assert x.shape == (10, 8)
    assert torch.equal(x[:8] != off, torch.eye(8, dtype=torch.bool))
    assert torch.equal(x[9], off)  # training has seen no missing value: it is no level either


def test_a_missing_value_that_training_has_seen_is_a_level() -> None:
    x = encoded({"c": ["a", "b", "c", None] * 3}, {"c": ["a", "b", "c", None, "z"]})
    assert x.shape == (5, 4)
    assert len({tuple(row) for row in x.tolist()}) == 5


def test_nine_levels_are_codes_and_zero_is_the_code_of_the_unknown() -> None:
    levels = list("abcdefghi")
    x = encoded({"c": [*levels, *levels, None]}, {"c": ["a", "i", "z", None]})
    assert x.tolist() == [[1], [9], [0], [10]]


def test_the_rare_train_the_bucket_of_the_unknown() -> None:
    encoder = fitted(pl.DataFrame({"c": [*"abcdefghi" * 2, "once"]}))
    assert encoder.num_codes == (10,)
    assert encoder.encode(pl.DataFrame({"c": ["once", "a"]})).tolist() == [[0], [1]]


def test_dates_become_parts() -> None:
    encoder = fitted(pl.DataFrame({"d": ["2024-01-01", "2024-03-05", "2025-12-31", "2026-07-07"]}))
    raw = encoder.columns[0].raw(pl.Series("d", ["2024-02-29"]), 1)
    assert encoder.features == tuple(f"{part} of d" for part in ("days", "year", "month", "day", "weekday", "hour"))
    assert [part.tolist() for part in raw] == [[19782], [2024], [2], [29], [4], [0]]  # a Thursday


@pytest.mark.parametrize("column", ["c", "n"])
def test_a_number_as_a_category_is_the_same_level_in_every_type(column: str) -> None:
    frame = pl.DataFrame({"c": ["1", "2", "3", "10"] * 3, "n": [1, 2, 3, 10] * 3})
    encoder = fitted(frame, categorical=["c", "n"])
    same = [pl.Series([1, 10]), pl.Series([1.0, 10.0]), pl.Series(["1", "10"]), pl.Series(["1.0", " 10.0"])]
    other = pl.DataFrame({"c": ["1", "10"], "n": [1, 10]})
    expected = encoder.encode(other)
    assert all(torch.equal(encoder.encode(other.with_columns(s.alias(column))), expected) for s in same)


def test_a_row_does_not_depend_on_the_others() -> None:
    frame = table()
    encoder = fitted(frame)
    whole = encoder.encode(frame)
    alone = torch.cat([encoder.encode(frame[k]) for k in range(N)])
    assert torch.equal(whole, alone)


def test_columns_are_found_by_name_and_others_do_not_matter() -> None:
    frame = table()
    encoder = fitted(frame)
    shuffled = frame.select(reversed(frame.columns)).with_columns(pl.lit("new").alias("another"))
    assert torch.equal(encoder.encode(shuffled), encoder.encode(frame))


def test_a_missing_column_is_named() -> None:
    encoder = fitted(table())
    with pytest.raises(InputError, match=r"must have the column 'sex', on which the network was trained, got 'age'"):
        encoder.encode(table().drop("sex"))
    with pytest.raises(InputError, match="must have the columns 'age', 'day'"):
        encoder.encode(table().drop("age", "day"))
    with pytest.raises(InputError, match=r"'age', on which .*; rename ' Age' to 'age'\.$"):
        encoder.encode(table().rename({"age": " Age"}))


def test_a_value_written_otherwise_is_refused_with_how_it_was_in_training() -> None:
    frame = pl.DataFrame({"size": [f"{k},5" for k in range(20)], "day": ["2024-01-05", "2024-03-01"] * 10})
    encoder = fitted(frame)
    with pytest.raises(InputError, match=r"must hold numbers as in training, such as 1234,5, got '1\.5' in row 1"):
        encoder.encode(frame.with_columns(size=pl.lit("1.5")))
    with pytest.raises(InputError, match=r"dates as in training, written YYYY-MM-DD, got '1\.5\.24' in row 1"):
        encoder.encode(frame.with_columns(day=pl.lit("1.5.24")))


@pytest.mark.parametrize(
    "written",
    ["2024-01-05", "2024/01/05", "2024-01-05 00:00:00", "2024-01-05T00:00:00.000000", "2024-01-05T00:00:00Z"],
)
def test_dates_in_texts_are_those_of_training_where_the_year_is_first(written: str) -> None:
    frame = pl.DataFrame({"day": [date(2024, 1, 5), date(2024, 3, 1), None]})
    encoder = fitted(frame)
    as_text = encoder.encode(pl.DataFrame({"day": [written, None]}))
    assert torch.equal(as_text, encoder.encode(frame[[0, 2]]))
    sentence = r"must hold dates, such as 2024-03-01, got '5/1/24' in row 1; fix it, or leave the row out\.$"
    with pytest.raises(InputError, match=sentence):
        encoder.encode(pl.DataFrame({"day": ["5/1/24", written]}))


@pytest.mark.parametrize(
    "written",
    [
        "2024-03-01T00:30:00.000000+0100",  # by polars
        "2024-03-01 00:30:00+01:00",  # by pandas
        "2024-03-01T00:30:00+01",
        "2024-03-01T00:30:00 \u221201:00",
        "2024-03-01T00:30:00Z",
        "2024-03-01 00:30:00",
    ],
)
def test_dates_with_an_offset_in_texts_have_the_time_of_the_clock_as_those_of_training_with_a_zone(
    written: str,
) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    frame = pl.DataFrame({"t": [datetime(2024, 3, 1, 0, 30, tzinfo=berlin), datetime(2024, 7, 9, 12, tzinfo=berlin)]})
    encoder = fitted(frame)
    assert torch.equal(encoder.encode(pl.DataFrame({"t": [written]})), encoder.encode(frame[:1]))


def test_a_table_with_a_zone_is_the_same_one_when_polars_has_written_it_as_texts() -> None:
    hours = pl.datetime_range(datetime(2024, 3, 30), datetime(2024, 4, 1), "1h", time_zone="Europe/Berlin", eager=True)
    frame = pl.DataFrame({"t": hours})
    encoder = fitted(frame)
    as_texts = pl.read_csv(frame.write_csv().encode(), infer_schema=False)
    assert torch.equal(encoder.encode(as_texts), encoder.encode(frame))


def test_dates_with_an_offset_are_in_utc_where_training_had_texts() -> None:
    encoder = fitted(pl.DataFrame({"t": ["2024-03-01 12:00:00+01:00", "2024-07-09 12:00:00+02:00"] * 9}))
    late, early = (pl.DataFrame({"t": [f"2024-03-01 {clock}"]}) for clock in ("13:00:00+02:00", "11:00:00Z"))
    assert torch.equal(encoder.encode(late), encoder.encode(early))
    typed = pl.DataFrame({"t": [datetime(2024, 3, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))]})  # the same moment
    assert torch.equal(encoder.encode(typed), encoder.encode(early))


@pytest.mark.parametrize("wrong", ["bad value 7-7-7", "2024-01-05T00:00:00+99:99", "99-01-05", "2024-13-05"])
def test_of_dates_with_a_time_the_one_that_is_none_is_named(wrong: str) -> None:
    encoder = fitted(pl.DataFrame({"day": [date(2024, 1, 5), date(2024, 3, 1)]}))
    new = pl.DataFrame({"day": ["2024-01-05 00:00:00", "2024-01-06 00:00:00", wrong]})
    with pytest.raises(InputError, match=rf"such as 2024-03-01, got '{re.escape(wrong)}' in row 3"):
        encoder.encode(new)


def test_dates_with_the_year_first_are_read_one_by_one() -> None:
    encoder = fitted(pl.DataFrame({"day": [date(2024, 1, 5), date(2024, 3, 1)]}))
    new = pl.DataFrame({"day": ["2024-01-05", "2024/01/05", "2024-03-01 00:00:00", "2024-03-01T00:00"]})
    alone = torch.cat([encoder.encode(new[k : k + 1]) for k in range(4)])
    assert torch.equal(encoder.encode(new), alone)


def test_a_time_of_day_is_a_part_of_a_day() -> None:
    x = encoded({"t": ["06:30", "00:00", "12:00", "18:00"]}, {"t": ["03:00", "06:00", "12:00"]})
    assert x[0, 0] < x[1, 0] < x[2, 0]


def test_an_extra_column_is_a_warning() -> None:
    encoder = fitted(table())
    with pytest.warns(UserWarning, match="was not trained on the column 'more'; left out"):
        encoder.warn_of_others([*table().columns, "more"])
    encoder.warn_of_others([*table().columns, "id"], known=["id"])


@pytest.mark.parametrize(
    ("column", "value", "sentence"),
    [
        ("age", "old", "column 'age' must hold numbers, such as 1234.5, got 'old' in row 103; fix it"),
        ("age", "inf", "column 'age' must hold finite numbers, got 'inf' in row 103"),
        ("day", "soon", "column 'day' must hold dates as in training.*, got 'soon' in row 103"),
    ],
)
def test_a_value_that_cannot_be_read_is_named_with_its_row(column: str, value: str, sentence: str) -> None:
    frame = table().with_columns(pl.col("age").cast(pl.String)).head(5)
    spoilt = frame.with_columns(pl.when(pl.int_range(5) == 2).then(pl.lit(value)).otherwise(column).alias(column))
    with pytest.raises(InputError, match=sentence):
        fitted(table()).encode(spoilt, first_row=101)


def test_numbers_out_of_all_bounds_stay_finite_and_in_order() -> None:
    x = encoded({"x": [1.0, 2.0, 3.0, 4.0]}, {"x": [-1.7e308, -1e200, 2.5, 1e12, 1.7e308]})[:, 0]
    assert x.isfinite().all()
    assert x.tolist() == sorted(x.tolist())
    assert x[0] == -3
    assert x[-1] == 3


def test_it_reads_back_the_same_from_a_file(tmp_path: Any) -> None:
    frame = table()
    encoder = Encoder.fit(
        frame, kinds_of(frame.drop("price")), TargetColumns((fit_target(frame["price"].drop_nulls()),))
    )
    write_tensors(path := tmp_path / "model.safetensors", encoder.tensors(), encoder.metadata())
    again = Encoder.from_file(tensors_in(path.read_bytes(), path), metadata_in(path.read_bytes(), path))
    assert (again.columns, again.targets, again.clip) == (encoder.columns, encoder.targets, encoder.clip)
    assert distance(again.encode(frame), encoder.encode(frame)) == EXACT


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("columns", []),
        ("columns", [{"kind": "number"}]),
        ("columns", [{"kind": "code", "name": "x"}]),
        ("columns", 7),
        ("targets", [{"task": "regression"}]),
    ],
)
def test_an_encoder_that_was_tampered_with_is_refused(key: str, value: Any) -> None:
    encoder = fitted(table())
    described = json.loads(encoder.metadata()["encoder"]) | {key: value}
    with pytest.raises(InputError, match="encoder of the model must be as fivestep wrote it"):
        Encoder.from_file(encoder.tensors(), {"encoder": json.dumps(described)})


def test_a_table_without_a_usable_column_is_refused() -> None:
    frame = pl.DataFrame({"a": [1, 1, 1], "b": [None, None, None]})
    with pytest.raises(InputError, match=r"a column that a network can use, got a \(constant\), b \(empty\)"):
        fitted(frame)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("clip", [3.0, None])
def test_many_rows_are_encoded_to_the_same_bits_as_few(dtype: torch.dtype, clip: float | None) -> None:
    rng = np.random.default_rng(0)
    values = {
        "plain": rng.normal(size=MANY_ROWS + 5000),
        "single": rng.standard_cauchy(MANY_ROWS + 5000).astype(np.float32),
        "huge": rng.normal(size=MANY_ROWS + 5000) * 1e300,
        "gaps": [None if k % 7 == 0 else float(k) for k in range(MANY_ROWS + 5000)],
        "count": list(range(MANY_ROWS + 5000)),
    }
    frame = as_frame(values)
    encoder = replace(Encoder.fit(frame, [ColumnKind(name, "number") for name in values]), clip=clip)
    few = torch.cat([encoder.encode(part, dtype=dtype) for part in frame.iter_slices(MANY_ROWS - 1)])
    assert torch.equal(encoder.encode(frame, dtype=dtype), few)


@pytest.mark.parametrize("num_rows", [40, MANY_ROWS + 5000])
def test_some_rows_are_encoded_to_the_bits_that_they_have_among_all(num_rows: int) -> None:
    rng = np.random.default_rng(0)
    names = [f"x{k}" for k in range(27)]  # eight in a row among them, which are written together
    frame = as_frame({name: rng.normal(size=num_rows) for name in names} | {"town": rng.choice(list("abc"), num_rows)})
    frame = frame.with_columns(x7=pl.when(pl.col("x3") > 1).then(None).otherwise(pl.col("x7")), x11=pl.col("x11") > 0)
    encoder = fitted(frame)
    rows = np.flatnonzero(rng.random(num_rows) < 0.3)
    x = torch.empty(len(rows), encoder.in_features)
    encoder.encode_into(x, frame, rows=rows)
    assert torch.equal(x, encoder.encode(frame)[torch.from_numpy(rows)])


def test_an_infinite_number_in_a_row_that_is_not_asked_for_does_no_harm() -> None:
    values = np.random.default_rng(0).normal(size=MANY_ROWS)
    encoder = Encoder.fit(as_frame({"a": values}), [ColumnKind("a", "number")])
    values[12_344] = math.inf
    x = torch.empty(MANY_ROWS - 1, 1)
    encoder.encode_into(x, as_frame({"a": values}), rows=np.delete(np.arange(MANY_ROWS), 12_344))
    assert torch.equal(x, encoder.encode(as_frame({"a": np.delete(values, 12_344)})))


@pytest.mark.parametrize("wrong", [math.inf, -math.inf])
def test_an_infinite_number_among_many_rows_is_named(wrong: float) -> None:
    values = np.random.default_rng(0).normal(size=MANY_ROWS)
    encoder = Encoder.fit(as_frame({"a": values}), [ColumnKind("a", "number")])
    values[12_344] = wrong
    with pytest.raises(InputError, match=r"column 'a' must hold finite numbers, got '-?inf' in row 12,345"):
        encoder.encode(as_frame({"a": values}))


def test_a_missing_number_among_many_rows_is_the_median_where_training_has_seen_none() -> None:
    values = np.random.default_rng(0).normal(size=MANY_ROWS)
    encoder = Encoder.fit(as_frame({"a": values}), [ColumnKind("a", "number")])
    values[12_344] = math.nan
    assert encoder.encode(as_frame({"a": values}))[12_344].item() == 0


@pytest.mark.parametrize("rows", [None, np.array([0, 2])], ids=["all rows", "some rows"])
@pytest.mark.parametrize("height", [3, MANY_ROWS], ids=["few", "many"])
def test_a_pixel_that_float32_cannot_hold_is_refused_with_its_row(height: int, rows: np.ndarray | None) -> None:
    frame = pl.DataFrame({"p1": [0.0] * height, "p2": [255.0, 0.0, -1e300, *[0.0] * (height - 3)]})
    encoder = fit_pixels(frame[:2], kinds_of(frame))
    sentence = r"column 'p2' must hold numbers on the scale of the training rows, got '-1e\+?300' in row 103; fix it"
    with pytest.raises(InputError, match=sentence):
        encoder.encode(frame, rows=rows, first_row=101)
