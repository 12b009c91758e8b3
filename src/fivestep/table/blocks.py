"""Several files that form one table, read a block at a time."""

import glob
import zlib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple, Self, final

import polars as pl

from ..check import InputError, warn
from .block_files import SAMPLED, BlockFile, Look, Piece, SeparatedBlocks, open_blocks
from .read import is_pattern, nothing_in, one_sentence
from .separated import warn_of_empty_rows
from .values import found_nowhere, with_gaps


class Block(NamedTuple):
    """A block of a table: its file, and its place there."""

    file: int
    piece: Piece


@final
class BlockTable:
    """Files with the same columns, in the order of their names, as one table in blocks.

    `at_odds` are the columns of text files that are numbers in some and not in others, and so text in all, each with a
    file of either. `undecided` are those that may be codes, and stay text until `take_for_numbers`. What is one of
    `tokens` is missing.
    """

    def __init__(self, files: Sequence[BlockFile], as_text: Collection[str] = (), tokens: Collection[str] = ()) -> None:
        self.files, self._tokens = tuple(files), tuple(tokens)
        self._not_found = set(self._tokens)
        self._text_files = [file for file in self.files if isinstance(file, SeparatedBlocks)]
        _check_same_columns(self.files)
        self.at_odds, self.undecided = _settle_numbers(self._text_files, as_text, self._tokens)
        if len(self._text_files) < len(self.files):  # other formats know their types
            self.take_for_numbers(self.undecided)
        self._note_types()
        self.blocks = tuple(Block(k, piece) for k, file in enumerate(self.files) for piece in file.pieces)
        if not (self.blocks and self.types):
            raise nothing_in(self.files[0].path)

    @classmethod
    def open(
        cls,
        pattern: str,
        as_text: Collection[str] = (),
        tokens: Collection[str] = (),
        ignored: Collection[str] = (),
    ) -> Self:
        """The table of one file, or of all files whose names fit a pattern such as `data/*.parquet`.

        Columns in `as_text` of text files stay as they are written; what is one of `tokens` is missing, and what is
        `ignored` is never read.
        Raises an `InputError`, one sentence, where no file fits, one cannot be read in blocks, or columns differ.
        """
        files = []
        for path in files_of(pattern):
            with one_sentence(path):
                files.append(open_blocks(path, ignored))
        return cls(files, as_text, tokens)

    def _note_types(self) -> None:
        """What types the columns of the files have, and in which files another one."""
        self.types = _common_types(self.files)
        self._others = [
            {name for name, dtype in file.types.items() if dtype != self.types[name]} for file in self.files
        ]

    def take_for_numbers(self, columns: Collection[str]) -> None:
        """From now on these columns of text files are read as numbers."""
        for file in self._text_files:
            file.take_for_numbers(columns)
        self._note_types()

    def take_as_written(self, columns: Collection[str]) -> None:
        """From now on these columns of text files are read as text."""
        for file in self._text_files:
            file.take_as_written(columns)
        if self._text_files:
            self._note_types()

    def warn_of_empty_rows(self) -> None:
        """Warns of the empty rows of text files, once all of them have been read."""
        for file in self._text_files:
            warn_of_empty_rows(file.num_empty, file.path)

    def warn_of_tokens(self, pattern: str) -> None:
        """Warns of what is said to be missing, and was none of the values of the file or pattern that have been read.

        Once all rows have been; from here on nothing is looked for.
        """
        for token in filter(self._not_found.__contains__, self._tokens):
            where = f"no value that is read of {pattern}"
            warn(f"--missing {token} is ignored, as {where} is that; check how it is written there.")
        self._not_found.clear()

    def read(self, number: int, columns: Sequence[str]) -> pl.DataFrame:
        """Those columns of a block, in the types of the table; an `InputError` names a block that cannot be read."""
        return self._read(number, columns, only_head=False)

    def _read(self, number: int, columns: Sequence[str], *, only_head: bool) -> pl.DataFrame:
        file, piece = self.files[self.blocks[number].file], self.blocks[number].piece
        try:
            self.check_unchanged(number)
            frame = file.head(piece, columns) if only_head else file.read(piece, columns)
        except InputError:
            raise
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
            said = (str(error).splitlines() or [type(error).__name__])[0].split(". ")[0].rstrip(".")
            raise InputError(
                f"{file.path} must be readable in {piece.name}, got an error: {said}; write it anew, or leave the file "
                f"out."
            ) from error
        others = self._others[self.blocks[number].file]
        wanted = [pl.col(name).cast(self.types[name]) for name in columns if name in others] if others else []
        frame = frame.with_columns(wanted) if wanted else frame
        self._not_found &= {*found_nowhere(frame, tuple(self._not_found))}  # once found by a thread, it stays found
        return with_gaps(frame, self._tokens)

    def as_written(self, number: int, columns: Sequence[str]) -> pl.DataFrame:
        """Those columns of a block as they are written in a text file; none of another file."""
        file, piece = self.files[self.blocks[number].file], self.blocks[number].piece
        if not columns or not isinstance(file, SeparatedBlocks):
            return pl.DataFrame()
        return with_gaps(file.as_written(piece, columns), self._tokens)

    def check_unchanged(self, number: int) -> None:
        """Raises an `InputError` if the file of a block is another one by now."""
        self.files[self.blocks[number].file].unchanged.check()

    def sample(self, columns: Sequence[str]) -> pl.DataFrame:
        """Those columns of the first rows of some blocks from all over the table."""
        step = max(1, len(self.blocks) // SAMPLED)
        return pl.concat([self._read(k, columns, only_head=True) for k in range(0, len(self.blocks), step)])

    def about_rows(self) -> int:
        """The number of rows: of CSV files the number of lines, which a text with a line break in it adds to."""
        return sum(file.about_rows() for file in self.files)

    def name_of(self, number: int) -> str:
        """The file that a block is in."""
        return str(self.files[self.blocks[number].file].path)

    def checksum(self) -> str:
        """A fingerprint of the files: their sizes, and a checksum of their first and last 64 KB."""
        value, size = 0, 0
        for file in self.files:
            length = file.path.stat().st_size
            with file.path.open("rb") as content:
                value = zlib.crc32(content.read(2**16), value)
                content.seek(max(0, length - 2**16))
                value, size = zlib.crc32(content.read(), value), size + length
        return f"{len(self.files)} files, {len(self.blocks)} blocks, {size} bytes {value:08x}"


def files_of(pattern: str) -> list[Path]:
    """The file of that name, or the files that fit the pattern, in the order of their names."""
    path = Path(pattern)
    if path.is_dir():
        inside = pattern.rstrip("/")
        raise InputError(f"FILE must be a file or a pattern, got the folder {pattern!r}; write '{inside}/*.parquet'.")
    if path.exists():
        return [path]
    fitting = [Path(name) for name in sorted(glob.glob(pattern, recursive=True))]
    for lost in (name for name in fitting if not name.exists()):
        raise InputError(f"FILE must be files that are there, got {str(lost)!r}, a link to nothing; fix or remove it.")
    found = [name for name in fitting if name.is_file()]
    if not found:
        what = "a pattern that fits a file" if is_pattern(pattern) else "a file that exists"
        raise InputError(f"FILE must be {what}, got {pattern!r}; check the folder and the ending.")
    return found


def _check_same_columns(files: Sequence[BlockFile]) -> None:
    """Raises an `InputError` that names a column, a file that has it and one that has not."""
    first = files[0]
    for file in files[1:]:
        lost = [name for name in first.types if name not in file.types]
        new = [name for name in file.types if name not in first.types]
        if lost or new:
            name, has_it, lacks_it = (lost[0], first, file) if lost else (new[0], file, first)
            raise InputError(
                f"all files must have the same columns, got {name!r} in {has_it.path} and not in {lacks_it.path}; "
                f"fix one of them."
            )


def _settle_numbers(
    files: Sequence[SeparatedBlocks], as_text: Collection[str], tokens: Sequence[str]
) -> tuple[dict[str, tuple[Path, Path]], list[str]]:
    """Takes a column of text files for numbers where the sample of every file that has values in it says so.

    Returns those of which some say so: for each the first such file, and the first that says otherwise; and those that
    are numbers, but perhaps codes.
    """
    said: dict[str, dict[Look, Path]] = {}
    for file in files:
        for name, look in file.looks_of(tokens).items():
            if name not in as_text:
                said.setdefault(name, {}).setdefault(look, file.path)
    undecided = [name for name, paths in said.items() if [*paths] == ["perhaps codes"]]
    plain = [name for name, paths in said.items() if "texts" not in paths and [*paths] != ["perhaps codes"]]
    for file in files:
        file.take_for_numbers(plain)
    at_odds = {name: paths for name, paths in said.items() if "texts" in paths and len(paths) > 1}
    numbers = {name: next(path for look, path in paths.items() if look != "texts") for name, paths in at_odds.items()}
    return {name: (numbers[name], paths["texts"]) for name, paths in at_odds.items()}, undecided


def _common_types(files: Sequence[BlockFile]) -> dict[str, pl.DataType]:
    """One type for each column: numbers of any width are alike, and so are texts and categories."""
    types: dict[str, pl.DataType] = {}
    for name in files[0].types:
        known = [(file, file.types[name]) for file in files if file.types[name] != pl.Null]
        family = {_family(dtype) for _, dtype in known}
        if len(family) > 1:
            (first, own), *others = known
            other, got = next(pair for pair in others if _family(pair[1]) != _family(own))
            raise InputError(
                f"column {name!r} must have one type in all files, got {own} in {first.path} and {got} in "
                f"{other.path}; convert one of them."
            )
        different = {dtype for _, dtype in known}
        common = {"number": pl.Float64(), "text": pl.String()}.get(str(next(iter(family), "")))
        types[name] = next(iter(different), pl.Null()) if len(different) <= 1 or common is None else common
    return types


def _family(dtype: pl.DataType) -> str | pl.DataType:
    if dtype.is_numeric():
        return "number"
    return "text" if dtype == pl.String or isinstance(dtype, pl.Categorical | pl.Enum) else dtype
