"""The dialect of a file of separated values: its encoding, separator and header. Nothing is guessed silently."""

import codecs
import csv
import io
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple, final

from ..check import InputError, warn
from .kinds import check_different
from .values import MISSING

SEPARATORS = ",;\t|"
CHUNK = 2**24
"""Bytes that are examined at a time."""

LONGEST_LINE = 2**26
"""The most bytes of a line; with more, the file is not a table."""

HEAD, LINES = 2**16, 3
"""Characters of the head, and lines below it, from which the separator and the names are found."""

FALLBACK = "cp1252"
"""The encoding of files that are not UTF-8: Latin-1 with the quotes and the euro sign of Windows."""

SIGNATURES = {
    b"PK\x03\x04": ("a spreadsheet or an archive", "save it as CSV, or unpack it"),
    b"\xd0\xcf\x11\xe0": ("a spreadsheet", "save it as CSV"),
    b"SQLite format 3": ("a database", "write one of its tables as CSV"),
    b"%PDF": ("a PDF document", "find the table itself"),
    b"PAR1": ("Parquet", "let its name end in .parquet"),
    b"ARROW1": ("Arrow", "let its name end in .arrow"),
    b"\x93NUMPY": ("a NumPy array", "let its name end in .npy"),
    b"\x1f\x8b": ("what gzip has packed", "let its name end in .csv.gz"),
    b"BZh": ("what bzip2 has packed", "let its name end in .csv.bz2"),
    b"\xfd7zXZ": ("what xz has packed", "let its name end in .csv.xz"),
    b"\x28\xb5\x2f\xfd": ("what zstd has packed", "let its name end in .csv.zst"),
    b"<!doctype html": ("a page of the web", "download the file itself, on GitHub by Raw"),
    b"<html": ("a page of the web", "download the file itself, on GitHub by Raw"),
}
"""How files begin that are something else than their name says, what they are, and what to do; in small letters too."""

NAMES = {FALLBACK: "Latin-1 (Windows-1252)", "utf-16": "UTF-16"}


@final
@dataclass(frozen=True)
class Dialect:
    """A file of separated values: the path where it can be read as UTF-8, and how it is split into fields."""

    name: str
    path: Path
    separator: str
    newline: str
    lines_above: int
    """Lines above the header: empty ones, and one that tells the separator."""
    has_header: bool
    columns: tuple[str, ...]
    blank_below: int = 0
    """Empty lines between the header and the first row."""
    has_quoted: bool = True
    """Whether some field may begin with a quotation mark; else such marks are letters, as in 15.6\"."""

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """The fields of each row below the header that is not empty, with the line it ends in; slow, for mistakes."""
        with self.path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=self.separator, strict=True)
            for number, row in enumerate(reader):
                if row and number >= self.lines_above + self.has_header:
                    yield reader.line_num, row


@contextmanager
def dialect_of(path: Path, *, by_name: bool = True) -> Iterator[Dialect]:
    """The dialect of a file. A file that is not UTF-8 is copied as UTF-8 temporarily, with a warning.

    Where columns are not used `by_name`, a file without a header needs no warning.
    Raises an `InputError` for an empty file, zero bytes, a line without end, and columns of one name.
    """
    known = _examine(path)
    if known.encoding == "utf-8":
        yield _dialect(str(path), path, known, by_name=by_name)
        return
    warn(f"{path} is not UTF-8: it is read as {NAMES[known.encoding]}.")
    with tempfile.TemporaryDirectory(prefix="fivestep-") as folder:
        copy = Path(folder) / "table.csv"
        with (
            path.open(encoding=known.encoding, errors="replace", newline="") as source,
            copy.open("w", encoding="utf-8", newline="") as target,
        ):
            while text := source.read(CHUNK):
                target.write(text)
        yield _dialect(str(path), copy, known, by_name=by_name)


def dialect_as_it_lies(path: Path) -> Dialect:
    """The same of a file in UTF-8, which may be too large for a copy; raises an `InputError` for another encoding."""
    known = _examine(path)
    if known.encoding != "utf-8":
        raise InputError(f"{path} must be UTF-8 to be streamed, got another encoding; save it as UTF-8.")
    return _dialect(str(path), path, known)


class _Bytes(NamedTuple):
    """The result of examining every byte of a file."""

    encoding: str
    newline: str
    has_quoted: bool


def _examine(path: Path) -> _Bytes:
    """The encoding, the line ending, and whether a field may be quoted, from every byte of a file."""
    decoder, encoding, newline, lines, since_newline = codecs.getincrementaldecoder("utf-8")(), "utf-8", "", 0, 0
    with path.open("rb") as file:
        head = file.read(16)
        for signature, (what, advice) in SIGNATURES.items():
            if signature in (head[: len(signature)], head[: len(signature)].lower()):
                raise InputError(f"{path} must hold text, got {what}; {advice}.")
        if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return _Bytes("utf-16", "\n", has_quoted=True)
        file.seek(0)
        has_quoted, last = False, b"\n"
        while chunk := file.read(CHUNK):
            newline = newline or next((mark for mark in ("\n", "\r") if mark.encode() in chunk), "")
            mark = (newline or "\n").encode()
            if b"\0" in chunk:
                line = lines + chunk[: chunk.index(b"\0")].count(mark) + 1
                raise InputError(f"{path} must hold text, got a byte of 0 in line {line}; save it as a CSV file again.")
            since_newline = len(chunk) - chunk.rindex(mark) if mark in chunk else since_newline + len(chunk)
            if since_newline > LONGEST_LINE:
                raise InputError(
                    f"{path} must have lines of less than {LONGEST_LINE >> 20} MB, got a longer one after line "
                    f"{lines}; look what is in the file."
                )
            lines += chunk.count(mark)
            has_quoted = has_quoted or (b'"' in chunk and _begins_with_a_quote(last + chunk))
            last = chunk[-1:]
            if encoding == "utf-8":
                encoding = _still_utf8(decoder, chunk)
    return _Bytes(encoding, newline or "\n", has_quoted)


def _begins_with_a_quote(content: bytes) -> bool:
    """Whether a field begins with a quotation mark, whatever the separator is."""
    return any(before.encode() + b'"' in content for before in (*SEPARATORS, *"\r\n\ufeff"))


def _still_utf8(decoder: codecs.IncrementalDecoder, chunk: bytes) -> str:
    """The encoding after one more part of the file."""
    try:
        decoder.decode(chunk)
    except UnicodeDecodeError:
        return FALLBACK
    return "utf-8"


def _dialect(name: str, path: Path, known: _Bytes, *, by_name: bool = True) -> Dialect:
    """The separator and the columns, from the head of a file in UTF-8."""
    newline = known.newline
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        told, text = _told_separator(file.read(HEAD) + "".join(islice(file, LINES)))  # a header may be longer than that
    separator = told or _separator(text, "\t" if name.lower().endswith((".tsv", ".tab")) else ",")
    first = next(_fields(text, separator), [])
    if not any(field.strip() for field in first):
        raise InputError(f"{name} must hold a table, got empty lines; check how it was written.")
    blank_lines = len(text) - len(text.lstrip("\r\n"))
    lines_above = text[:blank_lines].count(newline) + bool(told)
    has_header = not all(_is_number(field) for field in first)
    _warn_of_odd_names(name, [field for field in first if has_header and _is_number(field) and "." in field])
    _warn_of_a_title(name, first if has_header else [])
    _warn_of_blanks(name, text, first)
    if by_name and not has_header:
        warn(f"{name} has no header: its columns are called column_1, column_2, ...")
    fields = [field.strip() if has_header else "" for field in first]
    columns = [field or f"column_{place + 1}" for place, field in enumerate(fields)]
    check_different(columns, name)
    blank_below = _blank_below(text, separator, newline) if has_header else 0
    has_quoted = known.has_quoted or separator not in SEPARATORS
    return Dialect(name, path, separator, newline, lines_above, has_header, tuple(columns), blank_below, has_quoted)


def _told_separator(text: str) -> tuple[str, str]:
    """The separator in a first line "sep=;", as spreadsheets write it, or none; and the lines below it."""
    found = re.match(r'"?sep=([^\r\n])"?(\r\n|\n|\r)', text, re.IGNORECASE)
    return (found[1], text[found.end() :]) if found else ("", text)


def _blank_below(text: str, separator: str, newline: str) -> int:
    """The empty lines that follow the first row: files that were written with two ends for each line have them."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    next(row for row in reader if row)
    below = text.split(newline)[reader.line_num : -1]
    return next((number for number, line in enumerate(below) if line.strip("\r")), len(below))


def _warn_of_odd_names(name: str, odd: list[str]) -> None:
    """Warns of a first line that is taken for the names of columns, although it may be the first row."""
    if odd:
        warn(
            f"the first line of {name} is taken for the names of its columns, got {odd[0]!r} among them; if it is a "
            f"row, put a line of names above it."
        )


def _warn_of_a_title(name: str, first: list[str]) -> None:
    """Warns of a first line that names few of the columns, as a title above the table does."""
    named = [field for field in first if field.strip()]
    if first and len(named) <= len(first) / 2:
        what = "1 name" if len(named) == 1 else f"{len(named)} names"
        warn(
            f"the first line of {name} is taken for the names of its {len(first)} columns, got {what} in it; if it is "
            f"a title, remove the lines above the names."
        )


def _warn_of_blanks(name: str, text: str, first: list[str]) -> None:
    """Warns of one column whose every row is as many words as its name, with a number among them."""
    words = [line.split() for line in text.splitlines()[:-1] if line.strip()]
    is_of_words = len(first) == 1 and len(words) > 1 and len({len(row) for row in words}) == 1
    if is_of_words and len(words[0]) > 1 and all(any(map(_is_number, row)) for row in words[1:]):
        warn(
            f"the rows of {name} are taken for one column, got {' '.join(words[0])!r} as its name; if blanks separate "
            f"several, put commas there."
        )


def _separator(text: str, usual: str) -> str:
    """The separator that splits the most rows into as many fields as the header; if tied, into the most fields."""
    best, found = (0.0, 0), usual
    for separator in usual + SEPARATORS.replace(usual, ""):
        widths = [len(row) for row in _fields(text, separator)]
        if widths and widths[0] > 1:
            score = (widths.count(widths[0]) / len(widths), widths[0])
            best, found = max((best, found), (score, separator), key=lambda pair: pair[0])
    return found


def _fields(text: str, separator: str) -> Iterator[list[str]]:
    """The rows that are not empty."""
    try:
        yield from (row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if row)
    except csv.Error:  # a field that is larger than a sample of the file
        return


def _is_number(field: str) -> bool:
    if field.strip() in MISSING:
        return True
    try:
        float(field.replace(",", "."))
    except ValueError:
        return False
    return True
