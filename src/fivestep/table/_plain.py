"""Columns of plain numbers, encoded in compiled passes over many at a time."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from ._addresses import LETTERS, column_addresses
from ._kernel import scale_rows

COLUMNS_AT_A_TIME = 8
"""The most columns that are copied at the same time: those in chunks, with missing values, or of integers."""


class Numbers(NamedTuple):
    """K columns of numbers: the index in a row of x that each goes to, in ascending order, its center and its scale."""

    names: Sequence[str]
    places: "np.ndarray"
    """(K,)"""
    scales: "np.ndarray"
    """(K, 2)"""

    def take(self, which: "np.ndarray") -> "Numbers":
        """Some of them, by their numbers in ascending order."""
        if len(which) == len(self.names):
            return self
        return Numbers([self.names[k] for k in which.tolist()], self.places[which], self.scales[which])


def write_plain(
    out: "np.ndarray", frame: pl.DataFrame, rows: "np.ndarray", numbers: Numbers, limits: tuple[float, float]
) -> set[str]:
    """Writes x of the columns that hold numbers as such, as `scale_rows` does; returns the names of those written.

    A column with an infinite number is left to the general path, which reports where it is.
    """
    written: set[str] = set()

    def write(which: "np.ndarray", addresses: "np.ndarray", one: "np.ndarray") -> None:
        some = numbers.take(which)
        columns = np.stack([addresses, some.places], axis=1)
        like = np.broadcast_to(one, frame.height)  # which takes no memory
        num_infinite = scale_rows(like, columns, some.scales, limits, rows, out)
        written.update(some.names if not num_infinite.any() else some.take(np.flatnonzero(num_infinite == 0)).names)

    number_of = {name: k for k, name in enumerate(frame.columns)}
    with column_addresses(frame) as found:
        addresses, letters = found[[number_of[name] for name in numbers.names]].T  # (K,) each
        for letter, one in LETTERS.items():
            which = np.flatnonzero(letters == letter)
            if len(which):
                write(which, addresses[which], one)
    for which, copies in _copies(frame, numbers.names, np.flatnonzero(letters == 0)):
        write(which, np.array([values.ctypes.data for values in copies]), copies[0][:1])
    return written


def _copies(
    frame: pl.DataFrame, names: Sequence[str], which: "np.ndarray"
) -> "Iterator[tuple[np.ndarray, list[np.ndarray]]]":
    """The columns of numbers among `which`, and their numbers side by side, NaN where one is missing."""
    types = {k: _number_type(frame[names[k]]) for k in which.tolist()}
    for dtype in (pl.Float64, pl.Float32):
        own = [k for k, known in types.items() if known == dtype]
        for start in range(0, len(own), COLUMNS_AT_A_TIME):
            some = own[start : start + COLUMNS_AT_A_TIME]
            yield np.array(some), [np.array(frame[names[k]].cast(dtype), order="C") for k in some]


def _number_type(values: pl.Series) -> pl.DataType | None:
    """The type as which plain numbers can be read; None for other columns."""
    return pl.Float64() if values.dtype.is_integer() else values.dtype if values.dtype.is_float() else None
