"""The rows of tables for a network with an encoder, part by part, with the columns to keep."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from ..check import one_of
from .trained import Source, Trained

if TYPE_CHECKING:
    import polars as pl

    from ..table.encoder import Encoder


def inputs_of_table(
    trained: Trained, sources: Sequence[Source], keep: Sequence[str] = ()
) -> "Iterator[tuple[Tensor, pl.DataFrame]]":
    """The inputs x (N, I) of the rows, one source after another, each row encoded by itself, and the columns to keep.

    Columns are found by name, or by position if there are no names; a new one causes a warning for the first source
    that has it. The columns in `keep`, or those of the first source that training took for identifiers, are kept; of
    the latter a later one may lack some, whose values are null. Raises an `InputError` as the encoder and the readers
    do, which names the source if there are several.
    """
    from ..datasets._table.split import named  # imported here because it needs polars
    from ..table.encoder import warn_of_new

    encoder = trained.encoder
    assert encoder is not None, "only a network with an encoder reads any table"
    new, total, wanted, told = Counter[str](), 0, list(keep), list(keep)
    for number, source in enumerate(sources):
        first_row = 1
        for frame in _frames(trained, encoder, source):
            with named(source.name if len(sources) > 1 else ""):
                if (number, first_row) == (0, 1):
                    wanted = _wanted(trained, frame.columns, keep)
                if first_row == 1:
                    _check(encoder, frame.columns, keep)
                    _warn_of_others(trained, encoder, frame.columns, told, f"in {source.name}, " if number else "")
                    told += frame.columns
                x = encoder.encode(frame, first_row=first_row, dtype=trained.engine.dtype)
            new.update(encoder.num_new(frame))
            yield x, _with_nulls(frame, wanted).select(wanted)
            first_row += frame.height
        total += first_row - 1
    warn_of_new(new, total)


def _frames(trained: Trained, encoder: "Encoder", source: Source) -> "Iterator[pl.DataFrame]":
    """The rows under the names that the encoder knows, without the words that stand for missing values."""
    from ..table.values import with_gaps

    for part in source.frames:
        yield with_gaps(_named(part, encoder), trained.info.get("table", {}).get("missing", ()))


def _wanted(trained: Trained, columns: Sequence[str], keep: Sequence[str]) -> list[str]:
    """The columns to keep of a table with these."""
    return list(keep) or [name for name in trained.info.get("identifiers", ()) if name in columns]


def _check(encoder: "Encoder", columns: Sequence[str], keep: Sequence[str]) -> None:
    """Raises an `InputError` for a column that is missing."""
    encoder.check_columns(columns)
    for name in keep:
        one_of("a column in --keep", name, columns)


def _with_nulls(frame: "pl.DataFrame", wanted: Sequence[str]) -> "pl.DataFrame":
    """The frame, with the columns that it lacks."""
    import polars as pl

    return frame.with_columns(pl.lit(None).alias(name) for name in wanted if name not in frame.columns)


def _warn_of_others(
    trained: Trained, encoder: "Encoder", columns: Sequence[str], told: Sequence[str], where: str
) -> None:
    about_rows = [trained.info.get("table", {}).get(role) for role in ("group", "time", "weight")]
    known = [*encoder.targets.names, *filter(None, about_rows), *trained.info.get("left_out", ()), *told]
    encoder.warn_of_others(columns, known, where)


def _named(frame: "pl.DataFrame", encoder: "Encoder") -> "pl.DataFrame":
    """The frame, with columns named by position if the table has no names and as many columns as the encoder."""
    own = [column.name for column in encoder.columns]
    by_place = [f"column_{place + 1}" for place in range(len(own))]
    if frame.columns != by_place or own == by_place:
        return frame
    return frame.rename(dict(zip(by_place, own, strict=True)))
