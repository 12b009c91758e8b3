"""Parquet files by row groups: read by polars, or if the address space is limited, by pyarrow, which maps no file."""

from bisect import bisect
from collections.abc import Collection, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, final

import polars as pl

from ..check import InputError
from ..machine.memory import has_few_addresses, take_system_memory
from .block_files import GROUP_BYTES, BlockFile, Piece, RowFile, ScannedBlocks, cut

BATCH = 2**14
"""Rows that pyarrow decodes at a time of a row group that is cut."""

BUFFER = 2**17
"""Bytes of a column that it reads at a time."""


def open_parquet(path: Path, ignored: Collection[str] = ()) -> BlockFile:
    """The file. pyarrow reads its footer, in which the places of the row groups are."""
    take_system_memory()
    try:
        from pyarrow.parquet import read_metadata
    except ImportError as error:
        raise InputError(
            "--stream must have pyarrow to find the row groups of Parquet files, got none; "
            "pip install 'fivestep[stream]'."
        ) from error
    footer, pieces, start = read_metadata(path), list[Piece](), 0
    of_row = 8 * (footer.num_columns - len(set(footer.schema.names) & set(ignored)))
    for number in range(footer.num_row_groups):
        size = footer.row_group(number).num_rows
        pieces += cut(start, size, f"row group {number + 1}", bytes_of_row=of_row, most_bytes=GROUP_BYTES)
        start += size
    if has_few_addresses():
        return DecodedBlocks(path, footer, pieces)
    return ScannedBlocks(path, pl.scan_parquet(path), pieces)  # the scan keeps the footer: it may be large


@final
class DecodedBlocks(RowFile):
    """A file that pyarrow reads and decodes, in one thread: it may be larger than all addresses of the process."""

    def __init__(self, path: Path, footer: Any, pieces: Sequence[Piece]) -> None:
        self._footer = footer
        sizes = (footer.row_group(number).num_rows for number in range(footer.num_row_groups))
        self._starts = list(accumulate(sizes, initial=0))
        empty = pl.from_arrow(footer.schema.to_arrow_schema().empty_table())
        assert isinstance(empty, pl.DataFrame)
        super().__init__(path, empty.schema, pieces)

    def read(self, piece: Piece, columns: Sequence[str]) -> pl.DataFrame:
        from pyarrow.parquet import ParquetFile

        number = bisect(self._starts, piece.start) - 1
        first, size = piece.start - self._starts[number], piece.size
        with ParquetFile(self.path, metadata=self._footer, buffer_size=BUFFER, pre_buffer=False) as file:
            if size == self._starts[number + 1] - self._starts[number]:
                table = file.read_row_group(number, list(columns), use_threads=False)
            else:
                batches = file.iter_batches(min(BATCH, size), [number], list(columns), use_threads=False)
                table = _some_rows(batches, first, size)
        frame = pl.from_arrow(table)
        assert isinstance(frame, pl.DataFrame)
        return frame.select(columns)


def _some_rows(batches: Iterator[Any], first: int, size: int) -> Any:
    """Of the rows in some batches, those from `first` on, as a table; what comes behind them is not decoded."""
    from pyarrow import Table

    found, left = [], size
    for batch in batches:
        part = batch.slice(min(first, len(batch)), left)
        first, left = max(0, first - len(batch)), left - len(part)
        found += [part] if len(part) else []
        if not left:
            break
    return Table.from_batches(found)
