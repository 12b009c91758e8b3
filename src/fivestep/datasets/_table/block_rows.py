"""The rows of a table in blocks, each with the part that it belongs to; a sample of each part."""

import glob
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple, final

import numpy as np
import polars as pl

from ...check import InputError, refuse
from ...table.blocks import BlockTable
from ...table.read import is_pattern
from ...table.values import missing
from .hash_split import HashSplit, chance, numbers_of_groups
from .source import TableSource

SAMPLE = 2**14
"""The rows of a part that are kept in memory, for the measurements after each epoch and for pictures."""


class BlockRows(NamedTuple):
    """The rows of a block with all targets: their columns, parts and numbers."""

    frame: pl.DataFrame
    parts: "np.ndarray"
    in_file: "np.ndarray"
    """In their file, (N,), counted from 1."""
    numbers: "np.ndarray"
    """In the table, (N,), counted from 0."""

    def places_of(self, part: int) -> "np.ndarray":
        """The places of those of one part among them, counted from 0, in ascending order."""
        return np.flatnonzero(self.parts == part)

    def columns(self, names: Collection[str], places: "np.ndarray") -> pl.DataFrame:
        """Some columns of the rows at these places."""
        return self.frame.select(*names)[places]

    def _filtered(self, mask: "np.ndarray") -> "BlockRows":
        if mask.all():
            return self
        frame = self.frame.filter(pl.Series(mask))
        return BlockRows(frame, self.parts[mask], self.in_file[mask], self.numbers[mask])

    def with_known(self, name: str) -> "BlockRows":
        """Those with a value in that column."""
        values = self.frame[name]
        if values.dtype == pl.Float64 and np.isfinite(values.to_numpy()).all():  # so is nearly every block: in one look
            return self
        return self._filtered(~missing(values).to_numpy())


@final
class RowReader:
    """Reads the rows of a table in blocks.

    The first time, blocks must be read in order, as this counts the rows of text files. Without a split, all rows are
    in the first part.
    """

    def __init__(self, table: BlockTable, source: TableSource, split: HashSplit | None = None) -> None:
        self.table, self.source, self._split = table, source, split
        self.num_left_out = 0
        self._starts = [0]
        self._in_file = [0]

    def read(self, number: int, columns: Sequence[str]) -> BlockRows:
        """The rows of a block with a target, with those columns and the ones that say something about a row."""
        wanted = [*columns, *(name for name in self.source.about_rows if name not in columns)]
        frame = self.table.read(number, wanted)
        is_new = number + 1 == len(self._starts)
        self._note_height(number, frame.height)
        places = np.arange(frame.height)
        numbers = places + self._starts[number]
        keys = numbers if self.source.group is None else numbers_of_groups(frame[self.source.group])
        parts = np.zeros(frame.height, dtype=np.uint8) if self._split is None else self._split.parts(keys)
        rows = BlockRows(frame, parts, places + self._in_file[number] + 1, numbers)
        known = rows
        for name in self.source.targets:
            known = known.with_known(name)
        if is_new:
            self.num_left_out += len(parts) - len(known.parts)
        return known

    def _note_height(self, number: int, height: int) -> None:
        """Where the next block begins; raises an `InputError` where a block is not as it was."""
        if number + 1 == len(self._starts):
            blocks = self.table.blocks
            goes_on = number + 1 < len(blocks) and blocks[number + 1].file == blocks[number].file
            self._starts.append(self._starts[number] + height)
            self._in_file.append(self._in_file[number] + height if goes_on else 0)
        elif self._starts[number + 1] - self._starts[number] != height:
            raise InputError(
                f"{self.table.name_of(number)} must stay as it is while the network is trained, got another number of "
                f"rows in {self.table.blocks[number].piece.name}; begin a new run."
            )


@final
class Sample:
    """A uniform sample of a part: the rows with the smallest hashes, the same in every run."""

    def __init__(self, seed: int) -> None:
        self.count = 0
        self._seed, self._border = seed, 1.0
        self._frames: list[pl.DataFrame] = []
        self._chances: list[np.ndarray] = []

    def add(self, rows: BlockRows, part: int) -> None:
        """Adds the rows of one block that belong to the part."""
        places = rows.places_of(part)
        self.count += len(places)
        chances = chance(rows.numbers[places], self._seed, 3)
        near = chances < self._border
        self._frames.append(rows.frame[places[near]])
        self._chances.append(chances[near])
        if sum(map(len, self._chances)) > 2 * SAMPLE:
            self._cut()

    def _cut(self) -> None:
        """Keeps the smallest hashes, in order."""
        chances = np.concatenate(self._chances)
        order = np.argsort(chances)[:SAMPLE]
        self._frames, self._chances = [pl.concat(self._frames)[order]], [chances[order]]
        if len(order) == SAMPLE:
            self._border = float(self._chances[0][-1])

    def frame(self) -> pl.DataFrame:
        """The sampled rows, in random order."""
        self._cut()
        return self._frames[0]


def check_streamable(source: TableSource) -> None:
    """Raises an `InputError` for an option that needs all rows in memory."""
    if source.time is not None:
        raise InputError(
            f"--time must be left out with --stream, which never sees all rows at once, got {source.time!r}; write the "
            f"latest rows to a file of their own and name it with --test."
        )
    for name in ("valid", "test"):
        how = getattr(source, name)
        if isinstance(how, str) and not Path(how).exists() and not glob.glob(how, recursive=True):
            what = "a pattern that fits a file" if is_pattern(how) else "a file that exists"
            raise InputError(f"--{name} must be a share, a number, or {what}, got {how!r}; check the path.")


def split_of(table: BlockTable, source: TableSource, seed: int) -> HashSplit:
    """The split that the source asks for; numbers of rows become shares."""
    by_number = any(isinstance(how, float) and how >= 1 for how in (source.valid, source.test))
    num_rows = table.about_rows() if by_number else 0
    test = _share(source.test, num_rows, "test")
    return HashSplit(seed, _share(source.valid, round(num_rows * (1 - test)), "valid"), test)


def _share(how: float | str, num_rows: int, name: str) -> float:
    if isinstance(how, str):
        return 0.0
    if not how > 0 or (how >= 1 and (how != int(how) or how >= num_rows)):
        expected = "a share in (0, 1), a number of rows below that of the table, or a file"
        raise refuse(f"--{name}", how, expected, "0.2 is usual")
    return how if how < 1 else how / num_rows
