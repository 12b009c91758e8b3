"""Encodes the rows of a table, releasing the table itself piece by piece."""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
import torch
from torch import Tensor

from ...check import InputError
from ...table.encoder import Encoder
from .._base import Rows
from .row_weights import weights_of
from .source import TableSource
from .split import Taken, named

ROWS_AT_A_TIME = 2**15
"""Rows that are encoded at a time, and then released. So few are quick without compiled code, whose compiler would take
a tenth of the memory."""


class _Piece(NamedTuple):
    """Consecutive rows of a table, the index of the first, and their file if it is another one."""

    frame: pl.DataFrame
    start: int
    file: str


def encoded_parts(encoder: Encoder, parts: list[Taken]) -> list[Tensor]:
    """X of each part, (N, D + J), in the order of the `parts`, which are taken out of the list.

    A table without other references is gone by then: encoded pieces are released, so both are never in memory as a
    whole. Raises an `InputError` with the row of the table for a value that cannot be read.
    """
    places = [part.places.to_numpy().astype(np.int64) for part in parts]
    found = [torch.empty(len(rows), encoder.in_features) for rows in places]
    for pieces, members in _tables(encoder, parts):
        while pieces:
            piece = pieces.popleft()
            for k in members:
                first, last = np.searchsorted(places[k], (piece.start, piece.start + piece.frame.height))
                _encode(encoder, found[k][first:last], piece, places[k][first:last] - piece.start)
    return found


def _tables(encoder: Encoder, parts: list[Taken]) -> list[tuple[deque[_Piece], list[int]]]:
    """Each table in pieces, and which parts have their rows there; the parts are taken out of the list."""
    names = [column.name for column in encoder.columns]
    numbers = [[id(other.frame) for other in parts].index(id(part.frame)) for part in parts]
    tables = [
        (deque(_pieces(parts[number], names)), [k for k, own in enumerate(numbers) if own == number])
        for number in dict.fromkeys(numbers)
    ]
    parts.clear()
    return tables


def _pieces(table: Taken, names: Sequence[str]) -> Iterator[_Piece]:
    """Those columns of a table in pieces, each of which holds the memory of its own rows only, about."""
    for number, part in enumerate(table.frame.select(names).iter_slices(ROWS_AT_A_TIME)):
        yield _Piece(part, ROWS_AT_A_TIME * number, table.file)


def _encode(encoder: Encoder, out: Tensor, piece: _Piece, rows: "np.ndarray") -> None:
    """Writes x of some rows of a piece; an error names the row of the table."""
    with named(piece.file):
        try:
            encoder.encode_into(out, piece.frame, rows=rows, compiled=False)
        except InputError:
            for column in encoder.columns:
                column.raw(piece.frame[column.name], piece.start + 1)
            raise


def targets_of(
    encoder: Encoder, frame: pl.DataFrame, source: TableSource, places: pl.Series | None
) -> tuple[Tensor, Tensor | None]:
    """The targets of rows, and their weights where they have some."""
    return encoder.targets.encode(frame, places=places), weights_of(frame, source, places)


def rows_of(encoder: Encoder, frame: pl.DataFrame, source: TableSource) -> Rows:
    """The rows of a frame with a target, encoded."""
    y, weight = targets_of(encoder, frame, source, None)
    return Rows(encoder.encode(frame), y, weight)
