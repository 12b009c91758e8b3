"""The rows of files for a run with an encoder, batch by batch, with the columns to keep."""

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


def rows_to_predict(run: Run, files: Sequence[Path], keep: Sequence[str], num_rows: int) -> Iterator[RowsToPredict]:
    """The rows of files, one file after another, in parts of about `num_rows`, each row encoded by itself.

    Columns are found by name, or by position if a file has no names; a new one causes a warning for the first file that
    has it. The columns in `keep`, or those of the first file that training took for identifiers, are kept; of the
    latter a later file may lack some, whose values are null. Raises an `InputError` as the encoder and the readers do,
    which names the file if there are several.
    """
    from ..datasets._table.split import named  # imported here because it needs polars
    from ..table.encoder import warn_of_new

    encoder = run.encoder
    assert encoder is not None, "only a run with an encoder reads any table"
    new, total, wanted, told = Counter[str](), 0, list(keep), list(keep)
    for number, file in enumerate(files):
        first_row = 1
        for frame in _frames(file, num_rows, encoder, run.info.get("table", {}).get("missing", ())):
            with named(str(file) if len(files) > 1 else ""):
                if (number, first_row) == (0, 1):
                    wanted = _wanted(run, frame.columns, keep)
                if first_row == 1:
                    _check(encoder, frame.columns, keep)
                    _warn_of_others(run, encoder, frame.columns, told, f"in {file}, " if number else "")
                    told += frame.columns
                x = encoder.encode(frame, first_row=first_row, dtype=run.engine.dtype)
            new.update(encoder.num_new(frame))
            yield RowsToPredict(x, _with_nulls(frame, wanted).select(wanted))
            first_row += frame.height
        total += first_row - 1
    warn_of_new(new, total)


def _frames(file: Path, num_rows: int, encoder: "Encoder", gaps: Sequence[str]) -> "Iterator[pl.DataFrame]":
    """The rows of a file, under the names that the encoder knows, without the words that stand for `gaps`."""
    from ..table.read import table_batches
    from ..table.values import with_gaps

    for part in table_batches(file, num_rows):
        yield with_gaps(_named(part, encoder), gaps)


def _wanted(run: Run, columns: Sequence[str], keep: Sequence[str]) -> list[str]:
    """The columns to keep of a file with these."""
    return list(keep) or [name for name in run.info.get("identifiers", ()) if name in columns]


def _check(encoder: "Encoder", columns: Sequence[str], keep: Sequence[str]) -> None:
    """Raises an `InputError` for a column that is missing."""
    encoder.check_columns(columns)
    for name in keep:
        one_of("a column in --keep", name, columns)


def _with_nulls(frame: "pl.DataFrame", wanted: Sequence[str]) -> "pl.DataFrame":
    """The frame, with the columns that it lacks."""
    import polars as pl

    return frame.with_columns(pl.lit(None).alias(name) for name in wanted if name not in frame.columns)


def _warn_of_others(run: Run, encoder: "Encoder", columns: Sequence[str], told: Sequence[str], where: str) -> None:
    about_rows = [run.info.get("table", {}).get(role) for role in ("group", "time", "weight")]
    known = [*encoder.targets.names, *filter(None, about_rows), *run.info.get("left_out", ()), *told]
    encoder.warn_of_others(columns, known, where)


def _named(frame: "pl.DataFrame", encoder: "Encoder") -> "pl.DataFrame":
    """The frame, with columns named by position if the file has no names and as many columns as the encoder."""
    own = [column.name for column in encoder.columns]
    by_place = [f"column_{place + 1}" for place in range(len(own))]
    if frame.columns != by_place or own == by_place:
        return frame
    return frame.rename(dict(zip(by_place, own, strict=True)))
