"""NumPy arrays read by runs of rows: no file is mapped, so it may exceed the address space."""

from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import BinaryIO, NamedTuple, Self, final

import numpy as np
import polars as pl
from numpy.lib import format as npy

from ..check import InputError
from .block_files import ARRAY_BYTES, Piece, RowFile, cut
from .frame import from_array


class _Header(NamedTuple):
    """The header of a file: the array's shape, whether it is column-major, its dtype, its offset."""

    shape: tuple[int, ...]
    by_column: bool
    dtype: "np.dtype[np.generic]"
    start: int


@final
class ArrayBlocks(RowFile):
    """A NumPy array (N, ...)."""

    def __init__(self, path: Path, header: _Header) -> None:
        self._header = header
        num_rows, *row = header.shape or (0,)
        first = np.zeros((1, *row) if header.shape else (), header.dtype)
        super().__init__(
            path, from_array(first).schema, list(cut(0, num_rows, bytes_of_row=first.nbytes, most_bytes=ARRAY_BYTES))
        )

    @classmethod
    def open(cls, path: Path) -> Self:
        """The file; raises a `ValueError` for one that is cut short or holds Python objects."""
        with path.open("rb") as file:
            header = _read_header(file)
        if header.dtype.hasobject:
            raise ValueError("Python objects")
        there, needed = path.stat().st_size - header.start, prod(header.shape) * header.dtype.itemsize
        if there < needed:
            raise ValueError(f"it ends after {there:,} of {needed:,} bytes")
        try:
            return cls(path, header)
        except InputError as error:  # of its shape or its type
            raise InputError(f"in {path}, {error}") from error

    def read(self, piece: Piece, columns: Sequence[str]) -> pl.DataFrame:
        with self.path.open("rb") as file:
            rows = self._by_column(file, piece) if self._header.by_column else self._by_row(file, piece)
        return from_array(rows).select(columns)

    def _by_row(self, file: BinaryIO, piece: Piece) -> "np.ndarray":
        """Rows of a row-major array."""
        row = self._header.shape[1:]
        return self._numbers(file, piece.start * prod(row), piece.size * prod(row)).reshape(piece.size, *row)

    def _by_column(self, file: BinaryIO, piece: Piece) -> "np.ndarray":
        """Rows of a column-major array: a part of each column."""
        num_rows, *row = self._header.shape
        rows = np.empty((piece.size, prod(row)), self._header.dtype, order="F")
        for k in range(prod(row)):
            rows[:, k] = self._numbers(file, k * num_rows + piece.start, piece.size)
        return rows.reshape(piece.size, *row, order="F")

    def _numbers(self, file: BinaryIO, first: int, count: int) -> "np.ndarray":
        """Entries in file order; raises a `ValueError` if the file ends early."""
        file.seek(self._header.start + first * self._header.dtype.itemsize)
        numbers = np.fromfile(file, self._header.dtype, count)
        if len(numbers) < count:
            raise ValueError("it is cut short")
        return numbers


def _read_header(file: BinaryIO) -> _Header:
    """The header at the beginning of a file; a `ValueError` says what is wrong with it."""
    if file.read(len(npy.MAGIC_PREFIX)) != npy.MAGIC_PREFIX:
        raise ValueError("Python objects")  # or anything else
    file.seek(0)
    version = npy.read_magic(file)
    if version not in ((1, 0), (2, 0), (3, 0)):
        raise ValueError(f"its format has the unknown version {version}")
    shape, by_column, dtype = (npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0)(file)
    if version == (3, 0) and dtype.names:  # in UTF-8, else as in version 2, which is read as Latin-1
        dtype.names = tuple(name.encode("latin-1").decode("utf-8") for name in dtype.names)
    return _Header(shape, by_column, dtype, file.tell())
