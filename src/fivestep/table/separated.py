"""Files of separated values, CSV and TSV, as frames: unambiguous numbers as numbers, all else as text."""

import csv
import io
import re
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

import polars as pl

from ..check import InputError, warn
from .dialect import Dialect, dialect_of
from .rounded import EXACT, holds_long
from .runs import runs_of_lines
from .values import MISSING, are_codes, digits_alike, may_be_codes, missing, missing_text, plain_numbers

SAMPLE = 1000
"""Rows that show which columns are plain numbers; if a later row contradicts, all are read as text."""

RUN_BYTES = 2**22
"""The bytes of a run of lines, about: polars reads ahead as far as it can where a file is read in parts."""

LARGEST_FIELD = 2**24
"""The most characters of one field."""


def read_separated(path: Path, as_text: Collection[str] = (), decimal: str = "") -> pl.DataFrame:
    """The whole file; columns of plain numbers are Float64, all others text, and those in `as_text` text in any case.

    So are all of them where `decimal`, what stands before decimals, is a comma. Rows that are empty are left out, with
    a warning. Raises an `InputError` with the line of a row that has too many or too few fields.
    """
    with dialect_of(path) as dialect:
        try:
            frame = _read(dialect, _all_text(dialect) if decimal == "," else _types(dialect, as_text))
            if decimal != ",":
                frame = frame.with_columns(_settled(frame, as_text)).with_columns(_long_as_written(dialect, frame))
        except pl.exceptions.PolarsError:
            try:
                frame = _read(dialect, _all_text(dialect))
            except pl.exceptions.PolarsError as error:
                raise _fault(dialect) from error
        _check_complete(dialect, frame)
        kept = without_empty_rows(frame)
        if kept.height < frame.height:  # rows without a letter, or full of words for missing values, which are rows
            has_text = _read(dialect, _all_text(dialect)).select(pl.any_horizontal(pl.all().is_not_null()))
            kept = frame.filter(has_text.to_series())
    warn_of_empty_rows(frame.height - kept.height, path)
    return kept


def separated_batches(path: Path, num_rows: int, *, by_name: bool = True) -> Iterator[pl.DataFrame]:
    """The file in parts of at most `num_rows` rows, all columns as text, a run of lines of it in memory at a time."""
    with dialect_of(path, by_name=by_name) as dialect:
        checked, num_empty = False, 0
        for number, content in enumerate(content for _, content in runs_of_lines(dialect, RUN_BYTES)):
            rows = content.lstrip(b"\r\n")  # polars counts the fields of the first line, which may be an empty one
            if number:  # those below the header are none
                num_empty += content[: len(content) - len(rows)].count(dialect.newline.encode())
            if not rows:
                continue
            try:
                frame = pl.read_csv(rows, **{**csv_options(dialect), "skip_rows": 0}, schema=_all_text(dialect))
            except pl.exceptions.PolarsError as error:
                raise _fault(dialect) from error
            checked = checked or _check_complete(dialect, frame)
            kept = without_empty_rows(frame)
            num_empty += frame.height - kept.height
            yield from kept.iter_slices(num_rows)
    warn_of_empty_rows(num_empty, path)


def csv_options(dialect: Dialect) -> dict[str, Any]:
    """What polars has to know about the file."""
    return {
        "separator": dialect.separator,
        "eol_char": dialect.newline,
        "has_header": False,
        "quote_char": '"' if dialect.has_quoted else None,
        "skip_rows": dialect.lines_above + dialect.has_header + dialect.blank_below,
    }


def _read(
    dialect: Dialect, types: dict[str, Any], num_rows: int | None = None, head: IO[bytes] | None = None
) -> pl.DataFrame:
    """The rows of the file, or of the `head` of it."""
    tokens = [token for token in MISSING if token] if pl.Float64 in types.values() else None
    frame = pl.read_csv(head or dialect.path, **csv_options(dialect), schema=types, null_values=tokens, n_rows=num_rows)
    return frame if frame.width else pl.DataFrame(schema=types)  # a header without an end of line


def _all_text(dialect: Dialect) -> dict[str, Any]:
    return dict.fromkeys(dialect.columns, pl.String)


def _types(dialect: Dialect, as_text: Collection[str]) -> dict[str, Any]:
    """Float64 for the columns that are plain numbers as far as the sample goes."""
    types = _all_text(dialect)
    try:
        sample = _read(dialect, types, SAMPLE, _head(dialect))
    except pl.exceptions.PolarsError:
        return types
    looked_at = sample.drop(as_text, strict=False)
    gaps, found = looked_at.select(missing_text(pl.all())), looked_at.select(plain_numbers(pl.all()))  # all at once
    for column, is_gap, number in zip(looked_at, gaps, found, strict=True):
        if is_gap.all() or number.null_count() > is_gap.sum() or holds_long(column, number.to_numpy()):
            continue
        if not digits_alike(column.filter(~is_gap)):
            types[column.name] = pl.Float64
    return types


def _settled(frame: pl.DataFrame, as_text: Collection[str]) -> Iterator[pl.Series]:
    """As numbers, the columns that might have been codes, such as years: nowhere in them is a 00501."""
    for column in frame.drop(as_text, strict=False):
        if column.dtype == pl.String and may_be_codes(column.head(SAMPLE)) and not are_codes(column):
            found = plain_numbers(column)
            has_gaps_only = found.null_count() == missing(column).sum() < len(column)
            if has_gaps_only and not holds_long(column, found.to_numpy()):
                yield found


def _long_as_written(dialect: Dialect, frame: pl.DataFrame) -> Iterator[pl.Series]:
    """As texts, the columns of numbers with whole ones below the sample that float64 may round."""
    columns = [column for column in frame if column.dtype == pl.Float64]
    large = [of.name for of in columns if max(-(of.min() or 0.0), of.max() or 0.0) >= EXACT]  # type: ignore[operator]
    if large:
        places = [dialect.columns.index(name) for name in large]
        texts = pl.read_csv(dialect.path, **csv_options(dialect), schema=_all_text(dialect), columns=places)
        yield from (texts[name] for name in large if holds_long(texts[name], frame[name].to_numpy()))


def _head(dialect: Dialect) -> IO[bytes] | None:
    """The lines of the sample, for polars takes 100 MB to read a few lines of a file; None where a text may go on.

    Or where lines end as Python does not see it: all of the file would be one.
    """
    if dialect.newline != "\n":
        return None
    with dialect.path.open("rb") as file:
        lines = b"".join(islice(file, dialect.lines_above + dialect.has_header + dialect.blank_below + SAMPLE))
    return None if dialect.has_quoted and b'"' in lines else io.BytesIO(lines)


def _check_complete(dialect: Dialect, frame: pl.DataFrame) -> bool:
    """Raises an `InputError` for a row with too few fields, which polars fills up; says whether it had to look."""
    if frame[dialect.columns[-1]].null_count() == 0 or len(dialect.columns) == 1:
        return False
    if not _is_surely_complete(dialect):
        refuse_ragged(dialect, dialect.rows())
    return True


def _is_surely_complete(dialect: Dialect) -> bool:
    """Whether counting alone proves that all rows have all fields, which it can if nothing is quoted."""
    lines = separators = 0
    last = b"\n"
    with dialect.path.open("rb") as file:
        while chunk := file.read(2**24):
            if dialect.has_quoted and b'"' in chunk:
                return False
            lines += chunk.count(dialect.newline.encode())
            separators += chunk.count(dialect.separator.encode())
            last = chunk[-1:]
    return separators == (lines + (last != dialect.newline.encode())) * (len(dialect.columns) - 1)


def refuse_ragged(dialect: Dialect, rows: Iterable[tuple[int, list[str]]], above: int = 0) -> None:
    """Raises an `InputError` for the first row that has too many or too few fields, of those below so many lines."""
    width, limit = len(dialect.columns), csv.field_size_limit(LARGEST_FIELD)
    line = above
    try:
        for number, (line, row) in enumerate(rows, int(above > dialect.lines_above + dialect.has_header)):
            if len(row) != width:
                fields = "1 field" if width == 1 else f"{width} fields"
                or_the_first = ", or the first one of the file" if number == 0 else ""
                advice = f"fix that line{or_the_first}"
                if width == 1:
                    advice = "fix that line, or remove what stands above the names of the columns"
                if number == 0 and len(row) == width + 1 and not row[-1].strip():
                    advice = f"end the first line in {dialect.separator!r} too, as this one does"
                raise InputError(
                    f"every row of {dialect.name} must have {fields}, as the first one has, got {len(row)} in "
                    f"line {line}; {advice}."
                )
    except csv.Error as error:
        what = f"a field of more than {LARGEST_FIELD >> 20} MB" if "limit" in str(error) else "one that does not"
        raise InputError(
            f"the quotation marks of {dialect.name} must pair, got {what} after line {max(line, 1)}; close it, or "
            f"double the marks inside the text."
        ) from error
    finally:
        csv.field_size_limit(limit)


def _fault(dialect: Dialect) -> InputError:
    """The error for a file that polars cannot read."""
    try:
        refuse_ragged(dialect, dialect.rows())
    except InputError as error:
        return error
    line = _mark_inside(dialect)
    got = "something else" if line is None else f"one inside a field without, it seems in line {line}"
    return InputError(
        f"{dialect.name} must have quotation marks around whole fields, and doubled inside of these, got {got}; "
        f'write 15.6" as "15.6""".'
    )


def _mark_inside(dialect: Dialect) -> int | None:
    """The first line in which a field has a quotation mark that is not its first letter."""
    mark = re.escape(dialect.separator)
    quoted = re.compile(rf'(?:^|(?<={mark}))"(?:[^"]|"")*"(?={mark}|$)')
    with dialect.path.open(encoding="utf-8-sig") as file:
        lines = enumerate(file, 1)
        return next((number for number, line in lines if '"' in quoted.sub("", line.rstrip("\r\n"))), None)


def without_empty_rows(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows that have a value in some column."""
    if frame[frame.columns[-1]].null_count() == 0:
        return frame
    return frame.filter(pl.any_horizontal(pl.all().is_not_null()))


def warn_of_empty_rows(number: int, path: Path) -> None:
    """Warns of so many of them."""
    if number:
        rows = "an empty row, which is" if number == 1 else f"{number:,} empty rows, which are"
        warn(f"{path} has {rows} left out.")
