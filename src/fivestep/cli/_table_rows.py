"""The rows of a file for a run with an encoder, batch by batch, with the columns to keep."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from torch import Tensor

from ..check import one_of
from ..run import Run

if TYPE_CHECKING:
    import polars as pl

    from ..table.encoder import Encoder


class RowsToPredict(NamedTuple):
    """The inputs x (N, I) of some rows, and the columns of the file that are copied to the output."""

    x: Tensor
    kept: "pl.DataFrame"


def rows_to_predict(run: Run, file: Path, keep: Sequence[str], num_rows: int) -> Iterator[RowsToPredict]:
    """The rows of a file in parts of about `num_rows`, each row encoded by itself.

    Columns are found by name, or by position if the file has no names; a new one causes a warning. The columns in
    `keep`, or those that training took for identifiers, are kept. Raises an `InputError` as the encoder and the readers
    do.
    """
    from ..table.encoder import warn_of_new  # imported here because it needs polars
    from ..table.read import table_batches
    from ..table.values import with_gaps

    assert run.encoder is not None, "only a run with an encoder reads any table"
    first_row, new = 1, Counter[str]()
    for part in table_batches(file, num_rows):
        frame = with_gaps(_named(part, run.encoder), run.info.get("table", {}).get("missing", ()))
        if first_row == 1:
            _check(run, frame.columns, keep)
        wanted = keep or [name for name in run.info.get("identifiers", ()) if name in frame.columns]
        x = run.encoder.encode(frame, first_row=first_row, dtype=run.engine.dtype)
        new.update(run.encoder.num_new(frame))
        yield RowsToPredict(x, frame.select(wanted))
        first_row += frame.height
    warn_of_new(new, first_row - 1)


def _check(run: Run, columns: list[str], keep: Sequence[str]) -> None:
    """Refuses missing columns, and warns of new ones."""
    encoder = run.encoder
    assert encoder is not None, "only a run with an encoder reads any table"
    encoder.check_columns(columns)
    for name in keep:
        one_of("a column in --keep", name, columns)
    about_rows = [run.info.get("table", {}).get(role) for role in ("group", "time", "weight")]
    known = [*encoder.targets.names, *filter(None, about_rows), *run.info.get("left_out", ()), *keep]
    encoder.warn_of_others(columns, known)


def _named(frame: "pl.DataFrame", encoder: "Encoder") -> "pl.DataFrame":
    """The frame, with columns named by position if the file has no names and as many columns as the encoder."""
    own = [column.name for column in encoder.columns]
    by_place = [f"column_{place + 1}" for place in range(len(own))]
    if frame.columns != by_place or own == by_place:
        return frame
    return frame.rename(dict(zip(by_place, own, strict=True)))
