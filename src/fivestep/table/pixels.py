"""Columns that are the pixels of images: all on one scale, and none of them left out."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

import polars as pl
import torch

from ..check import InputError
from .columns import NumberColumn
from .encoder import Encoder
from .kinds import ColumnKind
from .targets import NO_TARGETS, TargetColumns
from .values import missing, numbers


def pixel_kinds(
    kinds: Sequence[ColumnKind], categorical: Collection[str], is_pixel: Callable[[ColumnKind], bool]
) -> list[ColumnKind]:
    """All columns as pixels, including those that are 0 in every image, or black or white.

    `is_pixel` says whether a column has a number in each row. Raises an `InputError` that names one that has not.
    """
    return [kind if kind.kind == "ignored" else _pixel(kind, categorical, is_pixel) for kind in kinds]


def _pixel(kind: ColumnKind, categorical: Collection[str], is_pixel: Callable[[ColumnKind], bool]) -> ColumnKind:
    if kind.kind not in ("number", "yes/no", "constant") or kind.name in categorical or not is_pixel(kind):
        has_gaps = kind.kind == "number" and kind.name not in categorical
        came, fix = str(kind.kind), f"leave it out by --ignore {kind.name}"
        if has_gaps:  # an image must not lack a pixel
            came, fix = "numbers, with gaps", "fill the gaps"
        raise InputError(
            f"the columns of a table for recipe 'image' must be pixels, a number in every row, got {kind.name!r} "
            f"({came}); {fix}, or use recipe 'tabular'."
        )
    return replace(kind, kind="number", detail=f"a pixel, {kind.detail}")


def has_numbers(frame: pl.DataFrame, kind: ColumnKind) -> bool:
    """Whether that column of a frame has a number in each row."""
    values = frame[kind.name]
    return not (missing(values).any() or numbers(values, kind.number_format).is_null().any())


def fit_pixels(
    frame: pl.DataFrame,
    kinds: Sequence[ColumnKind],
    targets: TargetColumns = NO_TARGETS,
    *,
    rows: pl.Series | None = None,
) -> Encoder:
    """The encoder of pixels, x = r / largest, with the largest number in any column of a frame, or of some rows of it.

    So 0 stays 0, which is what comes in where an image is moved away.
    """
    used, largest = [kind for kind in kinds if kind.is_used], 0.0
    encoder = encoder_of_pixels(used, 1.0, targets)
    for column in encoder.columns:
        values = frame[column.name] if rows is None else frame[column.name].gather(rows)
        (found,) = column.raw(values, 1)
        largest = max(largest, float(abs(found).max()))
    return replace(encoder, scale=encoder.scale / (largest or 1.0))


def encoder_of_pixels(kinds: Sequence[ColumnKind], largest: float, targets: TargetColumns) -> Encoder:
    """The encoder of columns of pixels, whose largest number is known; raises an `InputError` if there are none."""
    if not kinds:
        raise InputError(
            "a table for recipe 'image' must have columns of pixels beside its target, got none; add them."
        )
    columns = tuple(NumberColumn(kind.name, kind.number_format, can_be_missing=False) for kind in kinds)
    center = torch.zeros(len(columns), dtype=torch.float64)
    return Encoder(columns, center, torch.full_like(center, 1 / (largest or 1.0)), clip=None, targets=targets)
