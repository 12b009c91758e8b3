"""The rows of another file with the same columns, to measure a network on."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from ...check import InputError
from ...table.encoder import Encoder, warn_of_new
from ...table.read import read_table
from ...table.values import with_gaps
from .._base import Rows
from .encoded import encoded_parts, targets_of
from .source import TableSource
from .split import Taken, with_target


def labeled_rows(encoder: Encoder, file: Path, source: TableSource | None) -> Rows:
    """The rows of another file with the same columns and a target, to measure on."""
    parts, (y, weight) = _labeled(encoder, file, source or TableSource(str(file), encoder.targets.names))
    (x,) = encoded_parts(encoder, parts)
    return Rows(x, y, weight)


def _labeled(encoder: Encoder, file: Path, source: TableSource) -> tuple[list[Taken], tuple[Tensor, Tensor | None]]:
    """The rows with a target as the one part that there is, which alone holds their frame; targets and weights."""
    texts, source = texts_of(encoder, source)
    frame = with_gaps(read_table(file, as_text=texts), source.missing)
    check_has_target(encoder, file, frame.columns)
    weight = source.weight if source.weight in frame.columns else None
    labeled = with_target(frame, replace(source, file=str(file), weight=weight), [])
    encoder.check_columns(frame.columns)
    warn_of_new(encoder.num_new(labeled.columns([column.name for column in encoder.columns])), len(labeled.places))
    return [labeled], targets_of(encoder, frame, replace(source, weight=weight), labeled.places)


def texts_of(encoder: Encoder, source: TableSource) -> tuple[list[str], TableSource]:
    """The columns that another file must give as they are written; the source with what the encoder knows of commas.

    Weights are no columns of the encoder, but are written like the others.
    """
    decimal = source.decimal or encoder.decimal
    weight = [source.weight] if source.weight and decimal == "," else []
    return [*encoder.read_as_text, *weight], replace(source, decimal=decimal)


def check_has_target(encoder: Encoder, file: Path, columns: Sequence[str]) -> None:
    """Raises an `InputError` unless all targets are among the columns of a file to measure on."""
    for name in encoder.targets.names:
        if name not in columns:
            raise InputError(
                f"{file} must have the target as its column {name!r}, got {', '.join(columns[:10])}; add it, or use "
                f"fivestep predict."
            )
