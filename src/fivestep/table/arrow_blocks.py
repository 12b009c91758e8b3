"""Arrow files in blocks: read by pyarrow, a batch at a time, or by polars if that is not installed."""

from bisect import bisect
from collections.abc import Collection, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import polars as pl

from ..check import InputError
from ..machine.memory import has_few_addresses, take_system_memory
from .block_files import GROUP_BYTES, BlockFile, Piece, RowFile, ScannedBlocks, cut
from .read import is_arrow_stream, scan_arrow

if TYPE_CHECKING:
    from collections.abc import Iterator


def open_arrow(path: Path, ignored: Collection[str] = ()) -> BlockFile:
    """The file; raises an `InputError` for a stream, which must be read from its beginning."""
    if is_arrow_stream(path):
        raise InputError(
            f"{path} must be an Arrow file with a footer, got a stream of record batches; write it as a file, or leave "
            f"out --stream."
        )
    if has_few_addresses() or find_spec("pyarrow"):
        return BatchedBlocks(path, ignored)
    return ScannedBlocks.by_rows(path, scan_arrow(path), GROUP_BYTES, ignored)  # the same blocks


@final
class BatchedBlocks(RowFile):
    """A file whose record batches are read one by one: it may exceed the address space, but a batch may not.

    Only the requested columns of a batch are read; polars (2.1) would read all.
    """

    def __init__(self, path: Path, ignored: Collection[str]) -> None:
        take_system_memory()
        try:
            import pyarrow  # noqa: F401  (an extra)
        except ImportError as error:
            raise InputError(
                "--stream must have pyarrow to read Arrow files where addresses are limited, got none; "
                "pip install 'fivestep[stream]'."
            ) from error
        with _reader(path) as reader:
            empty = pl.from_arrow(reader.schema.empty_table())
            self._names = list(reader.schema.names)
        with _reader(path, [0]) as reader:  # a column is enough to count by
            sizes = (reader.get_batch(number).num_rows for number in range(reader.num_record_batches))
            self._starts = list(accumulate(sizes, initial=0))
        assert isinstance(empty, pl.DataFrame)
        of_row = 8 * len(set(self._names) - set(ignored))
        pieces = [*cut(0, self._starts[-1], bytes_of_row=of_row, most_bytes=GROUP_BYTES)]
        super().__init__(path, empty.schema, pieces)

    def read(self, piece: Piece, columns: Sequence[str]) -> pl.DataFrame:
        from pyarrow import Table

        first, last = piece.start, piece.start + piece.size
        with _reader(self.path, sorted(self._names.index(name) for name in columns)) as reader:
            numbers = range(bisect(self._starts, first) - 1, bisect(self._starts, last - 1))
            batches = [
                reader.get_batch(k).slice(max(0, first - self._starts[k]), last - max(first, self._starts[k]))
                for k in numbers
            ]
        frame = pl.from_arrow(Table.from_batches(batches))
        assert isinstance(frame, pl.DataFrame)
        return frame.select(columns)


@contextmanager
def _reader(path: Path, fields: Sequence[int] = ()) -> "Iterator[Any]":
    """A context with a reader of the file, or of some of its columns."""
    from pyarrow import OSFile
    from pyarrow.ipc import IpcReadOptions, open_file

    with OSFile(str(path)) as file:
        yield open_file(file, options=IpcReadOptions(use_threads=False, included_fields=list(fields) or None))
