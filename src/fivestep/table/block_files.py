"""Files that are read a block of rows at a time, from any place: Parquet, Arrow, NumPy, CSV."""

import csv
import io
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple, final

import polars as pl

from ..check import InputError
from .dialect import HEAD, Dialect, dialect_as_it_lies
from .kinds import shortened
from .packed import OPENERS, check_not_empty
from .read import SEPARATED, check_is_table
from .rounded import rounds_some
from .runs import runs_of_lines
from .separated import csv_options, refuse_ragged, without_empty_rows
from .unchanged import Unchanged
from .values import MISSING, digits_alike, missing, missing_text, plain_numbers, present_array, with_gaps

PARQUET, ARROW = (".parquet", ".pq"), (".arrow", ".feather", ".ipc")
"""The suffixes of their files."""

MOST_ROWS = 2**17
"""The most rows of a block. A larger row group is cut, and read up to the end of each cut."""

CSV_BYTES = 2**25
"""The approximate bytes of a block of a CSV file."""

ARRAY_BYTES = 2**25
"""The most bytes of a block of a NumPy array, unless a single row has more."""

GROUP_BYTES = 2**28
"""The approximate bytes of a block of a Parquet or Arrow file, at 8 for a value. To read a part of a row group takes
more than half the time of the whole, so that only wide ones are cut."""

SAMPLE = 500
"""Rows at the beginning of some blocks of a CSV file that show which columns are plain numbers."""

SAMPLED = 16
"""Blocks of a CSV file that are sampled for that."""


Look = Literal["texts", "numbers", "perhaps codes"]
"""What a column of a CSV file is, judged by some rows: years may turn out to be codes further down, such as 00501.

Identifiers of 17 digits are codes perhaps, which float64 would round."""


class Piece(NamedTuple):
    """A block of a file: its first row and number of rows, or for a CSV file bytes, and its name in messages."""

    start: int
    size: int
    name: str


class BlockFile(ABC):
    """A file with its columns, its types and its blocks."""

    def __init__(self, path: Path, types: Mapping[str, pl.DataType], pieces: Sequence[Piece]) -> None:
        self.path, self.types, self.pieces = path, dict(types), tuple(pieces)
        self.unchanged = Unchanged(path)

    @final
    def about_rows(self) -> int:
        """The approximate number of rows."""
        return sum(self.size_of(piece) for piece in self.pieces)

    @abstractmethod
    def head(self, piece: Piece, columns: Sequence[str]) -> pl.DataFrame:
        """Those columns of the first rows of a block, without the memory of the others."""

    @abstractmethod
    def size_of(self, piece: Piece) -> int:
        """The approximate number of rows of a block."""

    @abstractmethod
    def read(self, piece: Piece, columns: Sequence[str]) -> pl.DataFrame:
        """Those columns of a block."""


class RowFile(BlockFile):
    """A file whose blocks are counted in rows."""

    @final
    def head(self, piece: Piece, columns: Sequence[str]) -> pl.DataFrame:
        frame = self.read(_head_of(piece), columns)
        return frame[[*range(frame.height)]]  # copied: a slice keeps the whole in memory

    @final
    def size_of(self, piece: Piece) -> int:
        return piece.size

    @final
    def batches(self, num_rows: int) -> Iterator[pl.DataFrame]:
        """All rows in parts of at most `num_rows`, a block of them in memory at a time."""
        for piece in self.pieces:
            yield from self.read(piece, list(self.types)).iter_slices(num_rows)


def open_blocks(path: Path, ignored: Collection[str] = ()) -> BlockFile:
    """The file, by its suffix; raises an `InputError` for one that cannot be read in blocks.

    Columns in `ignored` are never read, and do not count for the size of a block.
    """
    if path.suffix.lower() in OPENERS:
        raise InputError(
            f"--stream must be used with files that are not packed, got {str(path)!r}; unpack it, or leave out "
            f"--stream."
        )
    check_is_table(path)
    check_not_empty(path)
    if not is_streamable(path):
        raise InputError(
            f"--stream must be used with CSV, Parquet, Arrow or .npy files, got {str(path)!r}; convert it, or leave "
            f"out --stream."
        )
    return _opener(path, ignored)(path)


def is_streamable(path: Path) -> bool:
    """Whether files with that suffix can be read in blocks."""
    return path.suffix.lower() in (*SEPARATED, *PARQUET, *ARROW, ".npy")


def _opener(path: Path, ignored: Collection[str]) -> Callable[[Path], BlockFile]:
    suffix = path.suffix.lower()
    if suffix in PARQUET:
        from .parquet_blocks import open_parquet  # imported here: all three import this module

        return partial(open_parquet, ignored=ignored)
    if suffix in ARROW:
        from .arrow_blocks import open_arrow

        return partial(open_arrow, ignored=ignored)
    if suffix == ".npy":
        from .array_blocks import ArrayBlocks

        return ArrayBlocks.open
    return SeparatedBlocks.open


@final
class ScannedBlocks(RowFile):
    """A file that polars reads from any row: Arrow (Feather) and Parquet, unless the address space is limited."""

    def __init__(self, path: Path, scan: pl.LazyFrame, pieces: Sequence[Piece]) -> None:
        self._scan = scan
        super().__init__(path, scan.collect_schema(), pieces)

    @classmethod
    def by_rows(
        cls, path: Path, scan: pl.LazyFrame, most_bytes: int = ARRAY_BYTES, ignored: Collection[str] = ()
    ) -> "ScannedBlocks":
        """The file in blocks of as many rows as take so many bytes, wherever its own groups of rows begin."""
        num_rows, width = scan.select(pl.len()).collect().item(), len(scan.collect_schema().keys() - set(ignored))
        return cls(path, scan, list(cut(0, num_rows, bytes_of_row=8 * width, most_bytes=most_bytes)))

    def read(self, piece: Piece, columns: Sequence[str]) -> pl.DataFrame:
        return self._scan.slice(piece.start, piece.size).select(columns).collect()


@final
class SeparatedBlocks(BlockFile):
    """A CSV or TSV file in UTF-8, by runs of whole lines. Columns are text until `take_for_numbers`."""

    def __init__(self, dialect: Dialect, pieces: Sequence[Piece]) -> None:
        self._dialect = dialect
        self._tokens: tuple[str, ...] = ()
        self._num_empty: dict[int, int] = {}
        super().__init__(dialect.path, dict.fromkeys(dialect.columns, pl.String()), pieces)

    @classmethod
    def open(cls, path: Path) -> "SeparatedBlocks":
        """Opens the file, after examining every byte of it."""
        dialect = dialect_as_it_lies(path)
        with path.open("rb") as file:
            if b"\r\r\n" in file.read(HEAD):
                raise InputError(
                    f"the lines of {path} must end in \\n or \\r\\n to be streamed, got \\r\\r\\n, as line ends are "
                    f"that were translated twice; save it anew."
                )
        runs = enumerate(runs_of_lines(dialect, CSV_BYTES), start=1)
        return cls(dialect, [Piece(start, len(content), f"block {number}") for number, (start, content) in runs])

    def size_of(self, piece: Piece) -> int:
        return self._bytes(piece).count(self._dialect.newline.encode()) + 1

    def read(self, piece: Piece, columns: Sequence[str]) -> pl.DataFrame:
        content = self._bytes(piece)
        frame = self._frame(piece, content, columns)
        self._check_complete(piece, content, frame)
        kept = without_empty_rows(frame)
        self._num_empty[piece.start] = frame.height - kept.height
        return kept.select(columns)

    def as_written(self, piece: Piece, columns: Sequence[str]) -> pl.DataFrame:
        """Those columns of a block as texts, with its empty rows."""
        return self._parsed(self._bytes(piece), dict.fromkeys(self.types, pl.String())).select(columns)

    @property
    def num_empty(self) -> int:
        """The number of empty rows skipped in the blocks read so far."""
        return sum(self._num_empty.values())

    def head(self, piece: Piece, columns: Sequence[str]) -> pl.DataFrame:
        return self._frame(piece, self._bytes(piece), columns, SAMPLE).select(columns)

    def _frame(self, piece: Piece, content: bytes, columns: Sequence[str], num_rows: int | None = None) -> pl.DataFrame:
        """All columns of a block; the sentence for one that polars cannot read is about `columns`, if it is a value."""
        try:
            return self._parsed(content, self.types, num_rows)
        except pl.exceptions.PolarsError as error:
            frame = self._by_text(piece, content, columns, num_rows)
            if frame is not None:
                return frame
            self._refuse_ragged(piece, content)
            raise InputError(
                f"{self.path} must hold rows of {len(self.types)} values, got others {_lines(self.path, piece)}; fix "
                f"them."
            ) from error

    def looks_of(self, tokens: Sequence[str] = ()) -> dict[str, Look]:
        """What each column is as far as the beginnings of some blocks go; gaps alone may be anything.

        So a column that is nothing else is not among them. `tokens` stand for gaps, beside what does in every file.
        """
        self._tokens = tuple(tokens)
        step = max(1, len(self.pieces) // SAMPLED)
        parts = [self._frame(piece, self._bytes(piece), (), SAMPLE) for piece in self.pieces[::step]]
        sample = with_gaps(pl.concat(parts) if parts else pl.DataFrame(schema=self.types), tokens)
        gaps = sample.select(missing_text(pl.all()))
        found = sample.select(pl.all().cast(pl.Float64, strict=False).fill_nan(None))  # knows no blanks around numbers
        looked_at = [one for one in zip(sample, gaps, found, strict=True) if not one[1].all()]
        return {column.name: _look_of(column.filter(~is_gap), number, is_gap) for column, is_gap, number in looked_at}

    def take_for_numbers(self, columns: Collection[str]) -> None:
        """From now on these columns are read as numbers."""
        self.types |= dict.fromkeys(self.types.keys() & columns, pl.Float64())

    def take_as_written(self, columns: Collection[str]) -> None:
        """From now on these columns are read as text."""
        self.types |= dict.fromkeys(self.types.keys() & columns, pl.String())

    def _bytes(self, piece: Piece) -> bytes:
        with self.path.open("rb") as file:
            file.seek(piece.start)
            return file.read(piece.size)

    def _parsed(self, content: bytes, types: Mapping[str, Any], num_rows: int | None = None) -> pl.DataFrame:
        known = (*MISSING, *self._tokens)
        tokens = [token for token in known if token] if pl.Float64() in types.values() else None
        options = {**csv_options(self._dialect), "skip_rows": 0}
        content = content.lstrip(b"\r\n")  # polars counts the fields of the first line, which may be an empty one
        return pl.read_csv(io.BytesIO(content), **options, schema=dict(types), null_values=tokens, n_rows=num_rows)

    def _by_text(
        self, piece: Piece, content: bytes, columns: Sequence[str], num_rows: int | None
    ) -> pl.DataFrame | None:
        """The same by way of texts, for numbers with blanks around them; None where not even that can be read.

        Raises an `InputError` for the first value that is no number where the others are.
        """
        try:
            texts = self._parsed(content, dict.fromkeys(self.types, pl.String()), num_rows)
        except pl.exceptions.PolarsError:
            return None
        texts = with_gaps(texts, self._tokens)
        numbers = [name for name, dtype in self.types.items() if dtype == pl.Float64()]
        for name in set(columns) & set(numbers):
            wrong = plain_numbers(texts[name]).is_null() & ~missing(texts[name])
            if wrong.any():
                row = wrong.arg_true()[0]
                raise InputError(
                    f"column {name!r} of {self.path} must hold numbers, as it does in the rows looked at first, got "
                    f"{shortened(texts[name][row])} in row {row + 1:,} {_lines(self.path, piece)}; fix it, or say "
                    f"--categorical {name}."
                )
        return texts.with_columns(plain_numbers(texts[name]) for name in numbers)

    def _check_complete(self, piece: Piece, content: bytes, frame: pl.DataFrame) -> None:
        """Raises an `InputError` for a row with too few fields, which polars would pad."""
        width = len(self.types)
        if width == 1 or frame[frame.columns[-1]].null_count() == 0:
            return
        mark, separator = self._dialect.newline.encode(), self._dialect.separator.encode()
        lines = content.count(mark) + (not content.endswith(mark))
        is_plain = not self._dialect.has_quoted or b'"' not in content
        if is_plain and content.count(separator) == lines * (width - 1):
            return
        self._refuse_ragged(piece, content)

    def _refuse_ragged(self, piece: Piece, content: bytes) -> None:
        """Raises an `InputError` for the first row that has too many or too few fields."""
        reader = csv.reader(io.StringIO(content.decode(), newline=""), delimiter=self._dialect.separator, strict=True)
        above = _line_of(self.path, piece, self._dialect.newline) - 1
        refuse_ragged(self._dialect, ((above + reader.line_num, row) for row in reader if row), above)


def _head_of(piece: Piece) -> Piece:
    """The first rows of a block."""
    return piece._replace(size=min(piece.size, SAMPLE))


def cut(start: int, size: int, name: str = "", *, bytes_of_row: int, most_bytes: int) -> Iterator[Piece]:
    """A run of rows in equal parts of `MOST_ROWS` rows at most, and if a row takes many bytes, of `most_bytes`."""
    num_parts = -(-size // max(1, min(MOST_ROWS, most_bytes // max(1, bytes_of_row))))
    for part in range(num_parts):
        first, last = start + size * part // num_parts, start + size * (part + 1) // num_parts
        rows = f"rows {first + 1:,} to {last:,}"
        yield Piece(first, last - first, f"{name} ({rows})" if name else rows)


def _lines(path: Path, piece: Piece) -> str:
    """The line numbers at which blocks begin."""
    return f"from line {_line_of(path, piece, chr(10)):,} on"


def _line_of(path: Path, piece: Piece, newline: str) -> int:
    """The line in which a block begins, counted from 1."""
    line, left = 1, piece.start
    with path.open("rb") as file:
        while left and (chunk := file.read(min(left, 2**24))):
            line, left = line + chunk.count(newline.encode()), left - len(chunk)
    return line


def _look_of(present: pl.Series, found: pl.Series, gaps: pl.Series) -> Look:
    """What a column of texts is, by those of a sample, the numbers found in it, and where it has gaps."""
    if found.null_count() > gaps.sum():
        return "texts"
    return "perhaps codes" if digits_alike(present) or rounds_some(present_array(found)) else "numbers"
