"""A data set from a file: its rows in three parts, encoded by an encoder fitted on the first."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import polars as pl
from torch import Tensor

from ...check import InputError, refuse, warn
from ...table.encoder import Encoder
from ...table.kinds import ColumnKind, kinds_of
from ...table.pixels import fit_pixels, has_numbers, pixel_kinds
from ...table.read import read_table
from ...table.targets import TargetColumns, fit_targets
from ...table.values import found_nowhere, has_decimal_comma, thousands, with_gaps
from .._base import Dataset, Rows
from .encoded import encoded_parts, targets_of
from .leaks import MOST_ROWS, leaks, never_seen, repeated
from .source import FEWEST, LoadedTable, TableSource, as_text, check_names
from .split import TableParts, Taken, groups_of, named, small_parts, split_table, times_of, with_target

if TYPE_CHECKING:
    import numpy as np


def load_in_memory(
    source: TableSource, *, seed: int, encoder: Encoder | None, scales_target: bool, pixels: bool
) -> LoadedTable:
    """`load_table` for a file in memory, whose frame is released while it is encoded."""
    learned, parts = _learn(source, seed, encoder, scales_target=scales_target, pixels=pixels)
    train, valid, test = _encoded(learned.encoder, parts, learned.source)
    targets = learned.encoder.targets
    data = Dataset(
        train,
        valid,
        test,
        num_outputs=targets.num_outputs,
        name=source.name,
        class_names=targets.class_names,
        encoder=learned.encoder,
    )
    return LoadedTable(data, learned.kinds, learned.notes, learned.groups, learned.times)


class _Learned(NamedTuple):
    """The source with the file's decimal mark, the columns' kinds, the fitted encoder, notes, groups, times."""

    source: TableSource
    encoder: Encoder
    kinds: list[ColumnKind]
    notes: list[str]
    groups: "np.ndarray | None"
    times: "np.ndarray | None"


def _learn(
    source: TableSource, seed: int, encoder: Encoder | None, *, scales_target: bool, pixels: bool
) -> tuple[_Learned, list[Taken]]:
    """What is learned from the file, and the rows to train, to validate and to test on, which alone hold its frame."""
    texts = encoder.read_as_text if encoder else ()
    source, frame = _with_comma(source, _read(source.file, source, texts), texts)
    if encoder is None:
        _warn_of_tokens(frame, source)
    frame = with_gaps(frame, source.missing)
    check_names(source, frame.columns)
    notes: list[str] = []
    labeled = with_target(frame, source, notes)
    if len(labeled.places) < FEWEST:
        raise InputError(
            f"{source.file} must have at least {FEWEST} rows with a target, to train and to test, got "
            f"{len(labeled.places)}; add some."
        )
    targets = encoder.targets if encoder else _fit_targets(frame, source, labeled.places)
    parts = _parts(labeled, source, targets, seed, notes)
    for target in targets.columns:
        notes += never_seen(target, parts.train.column(target.name))
    kinds = []
    if encoder is None:
        kinds = _kinds(frame.drop(source.about_rows), source)
        scaled = targets.scaled_to(frame, parts.train.places) if scales_target else targets.as_they_are()
        if pixels:
            kinds = pixel_kinds(kinds, source.categorical, partial(has_numbers, frame))
        encoder = _fitted(frame, parts.train.places, kinds, scaled, fit_pixels if pixels else Encoder.fit)
        for part in (parts.valid, parts.test):
            with named(part.file):
                encoder.check_columns(part.frame.columns)
        notes += leaks(encoder, frame[parts.train.places.head(MOST_ROWS)]) + repeated(encoder, *parts)
    groups, times = groups_of(parts, source), times_of(parts, source)
    return _Learned(source, encoder, kinds, notes, groups, times), list(parts)


def _read(file: str, source: TableSource, texts: Sequence[str] = ()) -> pl.DataFrame:
    """The rows of a file, read as the source says, with some columns as texts; missing values are not replaced yet."""
    texts = [*source.categorical, *as_text(source), *texts]
    return read_table(Path(file), as_text=texts, decimal=source.decimal)


def _with_comma(source: TableSource, frame: pl.DataFrame, texts: Sequence[str]) -> tuple[TableSource, pl.DataFrame]:
    """The same, except that 1.234 is a thousand if some numbers in the file have a decimal comma."""
    if source.decimal or not has_decimal_comma(frame):
        return source, frame
    some = thousands(frame)
    return replace(source, decimal=","), _read(source.file, source, [*texts, *some]) if some else frame


def _warn_of_tokens(frame: pl.DataFrame, source: TableSource) -> None:
    """Warns of tokens for missing values that do not occur."""
    for token in found_nowhere(frame, source.missing):
        warn(f"--missing {token} is ignored, as no value of {source.file} is that; check how it is written there.")


def _fit_targets(frame: pl.DataFrame, source: TableSource, places: pl.Series) -> TargetColumns:
    return fit_targets(frame, source.targets, source.task, places=places, decimal=source.decimal)


def _parts(labeled: Taken, source: TableSource, targets: TargetColumns, seed: int, notes: list[str]) -> TableParts:
    """The rows to train, to validate and to test on, from one file or from several."""
    train, valid, test = split_table(labeled, source, targets, seed)
    notes += small_parts(source, {"train": len(train.places), "valid": len(valid.places), "test": len(test.places)})
    texts = [column.name for column in labeled.frame if column.dtype == pl.String]  # in every file
    others = [_other(name, source, texts, notes) for name in ("valid", "test")]
    return TableParts(train, others[0] or valid, others[1] or test)


def _other(name: str, source: TableSource, texts: Sequence[str], notes: list[str]) -> Taken | None:
    """The rows of another file, where the part of that name is one."""
    how = getattr(source, name)
    if not isinstance(how, str):
        return None
    if not Path(how).exists():
        raise refuse(f"--{name}", how, "a share, a number of rows, or a file that exists", "check the path")
    frame = with_gaps(_read(how, source, texts), source.missing)
    with named(how):
        check_names(source, frame.columns)
        return with_target(frame, source, notes)._replace(file=how)


def _fitted(
    frame: pl.DataFrame,
    train: pl.Series,
    kinds: list[ColumnKind],
    targets: TargetColumns,
    fit: Callable[..., Encoder],
) -> Encoder:
    """The encoder, fitted on the training part."""
    try:
        return fit(frame, kinds, targets, rows=train)
    except InputError:
        fit(frame, kinds, targets)  # names the row of the file, not of its training part
        raise


def _encoded(encoder: Encoder, parts: list[Taken], source: TableSource) -> list[Rows]:
    """The rows of the parts, whose list is emptied."""
    targets = [_named_targets_of(encoder, part, source) for part in parts]
    inputs = encoded_parts(encoder, parts)
    return [Rows(x, y, weight) for x, (y, weight) in zip(inputs, targets, strict=True)]


def _named_targets_of(encoder: Encoder, part: Taken, source: TableSource) -> tuple[Tensor, Tensor | None]:
    """The targets of a part, and their weights."""
    with named(part.file):
        return targets_of(encoder, part.frame, source, part.places)


def _kinds(inputs: pl.DataFrame, source: TableSource) -> list[ColumnKind]:
    names = set(inputs.columns)
    categorical, ignore = names & set(source.categorical), names & set(source.ignore)
    return kinds_of(inputs, categorical=categorical, ignore=ignore, decimal=source.decimal)
