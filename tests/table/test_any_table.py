"""Two thousand tables at random: each is refused in one sentence, or every row of it is encoded by itself, finite."""

import string
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from fivestep.check import InputError
from fivestep.table.encoder import CLIP, Encoder
from fivestep.table.frame import as_frame
from fivestep.table.kinds import kinds_of
from fivestep.table.read import read_table, table_batches

MOST_ROWS = 20

WORDS = st.sampled_from(
    ["a", "b", "c", "NA", "", "yes", "no", "True", "1", "1.0", "2,5", "1,000", "2024-01-05", "inf", "?"]
)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
NUMBERS = st.floats(allow_nan=True, allow_infinity=True)
COLUMNS = st.sampled_from(
    [
        NUMBERS,
        st.floats(allow_nan=False, allow_infinity=False),
        st.integers(-(2**62), 2**62),
        st.integers(0, 3),
        st.sampled_from([0, 1]),
        st.booleans(),
        st.dates(date(1000, 1, 1), date(3000, 1, 1)),
        st.datetimes(datetime(1000, 1, 1), datetime(3000, 1, 1)),
        TEXT,
        WORDS,
        st.sampled_from(string.ascii_lowercase),
        st.one_of(NUMBERS, WORDS, st.none()),
        st.just("same"),
        st.none(),
    ]
)


@st.composite
def tables(draw: st.DrawFn) -> dict[str, list[Any]]:
    """Columns of one length, each of its own kind, some with gaps."""
    num_rows = draw(st.integers(1, MOST_ROWS))
    names = draw(
        st.lists(st.text(string.ascii_letters + " _", min_size=1, max_size=6), min_size=1, max_size=4, unique=True)
    )
    table = {}
    for name in names:
        values = draw(COLUMNS)
        values = draw(st.sampled_from([values, st.one_of(st.none(), values)]))
        table[name] = draw(st.lists(values, min_size=num_rows, max_size=num_rows))
    return table


def is_one_sentence(error: InputError) -> bool:
    return "\n" not in str(error) and str(error).endswith((".", "?"))


def encoded(frame: pl.DataFrame) -> tuple[Encoder, torch.Tensor] | None:
    """The encoder of a frame and its rows, or None where the frame is refused in one sentence."""
    try:
        encoder = Encoder.fit(frame, kinds_of(frame))
        return encoder, encoder.encode(frame)
    except InputError as error:
        if not is_one_sentence(error):
            raise AssertionError(str(error)) from error
        return None


def hold_promises(encoder: Encoder, frame: pl.DataFrame, x: torch.Tensor) -> None:
    """What is true of every encoded table."""
    num_numbers = len(encoder.features)
    assert x.shape == (frame.height, encoder.in_features)
    assert x.isfinite().all()
    assert (x[:, :num_numbers].abs() <= CLIP).all()
    codes = x[:, num_numbers:]
    assert torch.equal(codes, codes.round())
    assert ((codes >= 0) & (codes < torch.tensor(encoder.num_codes))).all() or not codes.numel()
    middle = frame.height // 2
    assert torch.equal(encoder.encode(frame[middle]), x[middle : middle + 1])
    assert torch.equal(encoder.encode(frame.select(reversed(frame.columns)).reverse()), x.flip(0))
    again = Encoder.from_file(encoder.tensors(), encoder.metadata())
    assert torch.equal(again.encode(frame), x)


@settings(max_examples=500, suppress_health_check=[HealthCheck.too_slow])
@given(tables())
def check_any_columns(table: dict[str, list[Any]]) -> None:
    frame = as_frame(table)
    found = encoded(frame)
    if found is not None:
        hold_promises(found[0], frame, found[1])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")  # a column of numbers and one word says so
def test_any_columns_are_encoded_row_by_row_or_refused_in_one_sentence() -> None:
    check_any_columns()


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(tables(), st.sampled_from([",", ";", "\t", "|"]), st.booleans())
def check_any_file(path: Path, table: dict[str, list[Any]], separator: str, quoted: bool) -> None:
    frame = as_frame(table).select(pl.all().cast(pl.String))
    frame.write_csv(path, separator=separator, quote_style="always" if quoted else "necessary")
    try:
        whole, parts = read_table(path), pl.concat(table_batches(path, 7))
    except InputError as error:
        if not is_one_sentence(error):
            raise AssertionError(str(error)) from error
        return
    assert (whole.height, whole.columns) == (parts.height, parts.columns)
    found = encoded(whole)
    if found is not None:
        assert torch.equal(found[0].encode(parts), found[1])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")  # files without a header, and empty rows, say so
def test_any_file_is_read_the_same_whole_and_in_parts_or_refused_in_one_sentence(tmp_path: Path) -> None:
    check_any_file(tmp_path / "t.csv")


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(
    st.one_of(st.binary(max_size=200), st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass")))
)
def check_any_bytes(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    try:
        frame = read_table(path)
    except InputError as error:
        if not is_one_sentence(error):
            raise AssertionError(str(error)) from error
        return
    assert frame.height > 0
    encoded(frame)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".arrow", ".jsonl", ".npy", ".npz"])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_any_bytes_are_a_table_or_refused_in_one_sentence(tmp_path: Path, suffix: str) -> None:
    check_any_bytes(tmp_path / f"t{suffix}")


@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(max_examples=50)
@given(arrays("float64", array_shapes(min_dims=1, max_dims=3, max_side=6)))
def test_any_array_is_encoded_or_refused_in_one_sentence(array: Any) -> None:
    frame = as_frame(array)
    found = encoded(frame)
    if found is not None:
        hold_promises(found[0], frame, found[1])
