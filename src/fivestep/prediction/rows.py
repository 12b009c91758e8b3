"""Rows to predict, as inputs of the network: from files, from tables in memory, from arrays."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from .number_rows import inputs_of_numbers
from .table_rows import inputs_of_table
from .trained import Source, Trained

if TYPE_CHECKING:
    import polars as pl

ROWS_AT_A_TIME = 8192
"""Rows of a part: in parts of other sizes, products may round otherwise, so a file is cut as a table in memory is."""


class Part(NamedTuple):
    """The logits (N, O) of some rows, and the columns to write beside the predictions."""

    logits: Tensor
    kept: "pl.DataFrame"


def parts_of(trained: Trained, sources: Sequence[Source], keep: Sequence[str] = ()) -> Iterator[Part]:
    """The logits of all rows, in parts, with the columns in `keep`, by default the identifiers.

    Raises an `InputError` for columns and values that the network was not trained for, and warns of other columns.
    """
    has_names = trained.encoder is not None
    read = inputs_of_table(trained, sources, keep) if has_names else inputs_of_numbers(trained, sources)
    for x, kept in read:
        if len(x):
            yield Part(trained.engine.predict(x.to(trained.engine.device)), kept)


def in_files(trained: Trained, files: Sequence[Path]) -> list[Source]:
    """The rows of files, one file after another; only a few thousand rows are in memory at a time."""
    from ..table.read import table_batches  # imported here because it needs polars

    by_name = trained.encoder is not None
    return [Source(str(file), _cut_alike(table_batches(file, ROWS_AT_A_TIME, by_name=by_name))) for file in files]


def _cut_alike(frames: "Iterator[pl.DataFrame]") -> "Iterator[pl.DataFrame]":
    """The same rows in parts of `ROWS_AT_A_TIME`, but for the last: a reader also ends one where its piece ends."""
    rest = next(frames, None)
    while rest is not None:
        following = next(frames, None)
        whole = rest.height - rest.height % ROWS_AT_A_TIME if following is not None else rest.height
        yield from rest[:whole].iter_slices(ROWS_AT_A_TIME)
        rest = None if following is None else rest[whole:].vstack(following)


def in_memory(table: Any) -> list[Source]:
    """The rows of a DataFrame, a mapping of columns, an array or a tensor; raises an `InputError` without any."""
    from ..table.frame import as_frame

    if isinstance(table, Tensor):
        table = table.detach().cpu()
        table = (table.float() if table.dtype == torch.bfloat16 else table).numpy()
    return [Source("X", as_frame(table).iter_slices(ROWS_AT_A_TIME))]


def logits_of(trained: Trained, X: Any) -> Tensor:
    """The logits (N, O), on the CPU, of a table in memory, or of the file or files of that name."""
    from ..table.blocks import files_of

    sources = in_files(trained, files_of(str(X))) if isinstance(X, str | Path) else in_memory(X)
    return torch.cat([part.logits.cpu() for part in parts_of(trained, sources)])
