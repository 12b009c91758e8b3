"""A data set from a file: its rows in three parts, encoded by what the first part teaches."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Self, final

import numpy as np
import polars as pl
import torch
from torch import Tensor

from ..check import InputError, one_of, refuse
from ..table.encoder import Encoder
from ..table.kinds import ColumnKind, kinds_of
from ..table.packed import stem_of
from ..table.read import read_table
from ..table.target import ClassTarget, NumberTarget, Target, fit_target
from ..table.values import PLAIN, missing, numbers, texts
from ._base import Dataset, Rows
from ._leaks import MOST_ROWS, leaks, repeated
from ._split import split_rows

SHARE = 0.2
"""Of the rows to test on, and of the rest to validate on, where nothing else is asked for."""

PLACE = "\0place"
"""The column of the places of rows while they are split; no file has a column of that name."""

FEWEST = 5
"""Rows that a table must have, so that each part has one."""


@final
@dataclass(frozen=True)
class TableSource:
    """A file to train on, and what its user says about it; plain values, so that a run can remember it.

    `valid` and `test` are a share or a number of the rows, or another file. `group` keeps rows of the same value in one
    part, `time` tests on the latest rows and validates on those before them, `weight` weighs the rows.
    """

    file: str
    target: str
    task: str | None = None
    categorical: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    group: str | None = None
    time: str | None = None
    weight: str | None = None
    valid: float | str = SHARE
    test: float | str = SHARE
    stream: bool = False
    window: int | None = None

    @property
    def name(self) -> str:
        """What the data set is called: after the file, or the folder of several."""
        path = Path(self.file)
        is_several = any(mark in path.name for mark in "*?[")
        return path.parent.name or "files" if is_several else stem_of(path)

    @property
    def about_rows(self) -> dict[str, str]:
        """The columns that say something about a row and are not given to the network."""
        roles = {"target": self.target, "group": self.group, "time": self.time, "weight": self.weight}
        return {name: role for role, name in roles.items() if name}

    def to_dict(self) -> dict[str, Any]:
        """The source as plain values."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The source that `to_dict` wrote."""
        lists = {name: tuple(values.get(name, ())) for name in ("categorical", "ignore")}
        return cls(**{**values, **lists})


class LoadedTable(NamedTuple):
    """The data set, what each column was taken for, and what its user should know, a sentence each."""

    data: Dataset
    kinds: list[ColumnKind]
    notes: list[str]


def load_table(
    source: TableSource, *, seed: int, encoder: Encoder | None = None, scales_target: bool = True
) -> LoadedTable:
    """Reads the file, takes its columns for something, splits the rows and encodes them.

    Rows without a target are left out. The encoder is fitted on the training part, unless there is one already; with
    `scales_target` a number to predict is on the scale of that part. The split is drawn from the seed, with classes in
    equal shares. Raises an `InputError`, one sentence, where the file, a
    column or the target cannot be used.
    """
    if source.stream:
        from ._load_stream import load_stream  # which stands on this file

        return load_stream(source, seed=seed, encoder=encoder, scales_target=scales_target)
    frame = read_table(Path(source.file), as_text=[*source.categorical, *as_text(source)])
    _check_names(source, frame.columns)
    notes: list[str] = []
    frame = _with_target(frame, source, notes)
    if frame.height < FEWEST:
        raise InputError(
            f"{source.file} must have at least {FEWEST} rows with a target, to train and to test, got {frame.height}; "
            f"add some."
        )
    target = fit_target(frame[source.target], source.task) if encoder is None else encoder.target
    assert target is not None, "the encoder of a table knows its target"
    parts = _parts(frame, source, target, seed, notes)
    kinds = []
    if encoder is None:
        kinds = _kinds(frame.drop(source.about_rows), source)
        scaled = _scaled(target, frame[source.target].gather(parts.train)) if scales_target else target.as_it_is()
        encoder = _fitted(frame, parts.train, kinds, scaled)
        notes += leaks(encoder, frame[parts.train.head(MOST_ROWS)]) + repeated(encoder, frame, *parts)
    whole = rows_of(encoder, frame, source)
    del frame  # as large as the rows, which are copied next
    classes = target.classes if isinstance(target, ClassTarget) else ()
    data = Dataset(
        _rows_in(parts.train, whole, encoder, source),
        _rows_in(parts.valid, whole, encoder, source),
        _rows_in(parts.test, whole, encoder, source),
        num_outputs=target.num_outputs,
        name=source.name,
        class_names=classes,
        encoder=encoder,
    )
    return LoadedTable(data, kinds, notes)


class _Parts(NamedTuple):
    """The rows to train, to validate and to test on: by their places, or as another frame."""

    train: pl.Series
    valid: pl.Series | pl.DataFrame
    test: pl.Series | pl.DataFrame


def _scaled(target: Target, train: pl.Series) -> Target:
    """The target on the scale of the training part, if it is a number."""
    return NumberTarget.fit(train) if isinstance(target, NumberTarget) else target


def _fitted(frame: pl.DataFrame, train: pl.Series, kinds: list[ColumnKind], target: Target) -> Encoder:
    """The encoder, with all it learns from the training part."""
    try:
        return Encoder.fit(frame, kinds, target, rows=train)
    except InputError:
        Encoder.fit(frame, kinds, target)  # which names the row of the file, not of its training part
        raise


def _rows_in(part: pl.Series | pl.DataFrame, whole: Rows, encoder: Encoder, source: TableSource) -> Rows:
    """The rows of one part, from all rows of the file, or encoded from another frame."""
    if isinstance(part, pl.DataFrame):
        return rows_of(encoder, part, source)
    return whole.take(torch.from_numpy(part.to_numpy(writable=True)))


def rows_of(encoder: Encoder, frame: pl.DataFrame, source: TableSource) -> Rows:
    """The rows of a frame with a target, encoded."""
    assert encoder.target is not None, "the encoder of a table knows its target"
    return Rows(encoder.encode(frame), encoder.target.encode(frame[source.target]), weights_of(frame, source))


def weights_of(frame: pl.DataFrame, source: TableSource) -> Tensor | None:
    """The weights (N,) of the rows of a frame, where the source has some."""
    return None if source.weight is None else _weights(frame, source.weight)


def labeled_rows(encoder: Encoder, file: Path, source: TableSource | None) -> Rows:
    """The rows of another file with the same columns and a target, to measure on."""
    assert encoder.target is not None, "only a run with a target is measured on a file"
    frame = read_table(file)
    check_has_target(encoder, file, frame.columns)
    source = source or TableSource(str(file), encoder.target.name)
    weight = source.weight if source.weight in frame.columns else None
    frame = _with_target(frame, replace(source, file=str(file), weight=weight), [])
    return rows_of(encoder, frame, replace(source, weight=weight))


def check_has_target(encoder: Encoder, file: Path, columns: Sequence[str]) -> None:
    """Raises an `InputError` unless the target is among the columns of a file to measure on."""
    assert encoder.target is not None, "only a run with a target is measured on a file"
    if encoder.target.name not in columns:
        raise InputError(
            f"{file} must have the target as its column {encoder.target.name!r}, got {', '.join(columns[:10])}; "
            f"add it, or use fivestep predict."
        )


def as_text(source: TableSource) -> tuple[str, ...]:
    """Classes stay as they are written, where it is known that they are classes."""
    return (source.target,) if source.task == "classification" else ()


def _check_names(source: TableSource, columns: list[str]) -> None:
    for name, role in source.about_rows.items():
        one_of(f"the {role} column", name, columns)
    for name in (*source.categorical, *source.ignore):
        one_of("a column in --categorical or --ignore", name, columns)
    if source.group and source.time:
        raise refuse("--group and --time", f"{source.group} and {source.time}", "one of the two", "leave out the other")
    for name in (*source.categorical, *source.ignore):
        if name in source.about_rows:
            raise refuse(f"the {source.about_rows[name]} column", name, "left out of --categorical and --ignore", "")


def _with_target(frame: pl.DataFrame, source: TableSource, notes: list[str]) -> pl.DataFrame:
    """The rows that have a target; how many have none is said."""
    without = missing(frame[source.target])
    if without.all():
        raise refuse(f"target {source.target!r}", "no value at all", "a column with values", "check the file")
    if without.any():
        rows = "1 row has" if without.sum() == 1 else f"{without.sum():,} rows have"
        notes.append(f"{rows} no {source.target!r} to learn from or to be measured by: left out.")
    return frame.filter(~without) if without.any() else frame


def _weights(frame: pl.DataFrame, name: str) -> Tensor:
    found = numbers(frame[name], PLAIN)
    wrong = found.is_null() | ~found.is_finite() | (found < 0)
    if wrong.any():
        row = wrong.arg_true()[0]
        raise refuse(f"weight {name!r}", frame[name][row], f"a number of at least 0 in row {row + 1:,}", "mend it")
    return torch.from_numpy(found.to_numpy(writable=True))


def _kinds(inputs: pl.DataFrame, source: TableSource) -> list[ColumnKind]:
    names = set(inputs.columns)
    return kinds_of(inputs, categorical=names & set(source.categorical), ignore=names & set(source.ignore))


def _parts(frame: pl.DataFrame, source: TableSource, target: Target, seed: int, notes: list[str]) -> _Parts:
    """The rows to train, to validate and to test on."""
    roles = frame.select(list(source.about_rows)).with_row_index(PLACE)  # the other columns are not copied
    labels = target.encode(roles[source.target]) if isinstance(target, ClassTarget) else None
    rest, test = _take(roles, labels, source.test, source, (seed, "test"), notes)
    labels = None if labels is None else target.encode(rest[source.target])
    train, valid = _take(rest, labels, source.valid, source, (seed, "valid"), notes)
    places = (part[PLACE].cast(pl.Int64) if PLACE in part.columns else part for part in (valid, test))
    return _Parts(train[PLACE].cast(pl.Int64), *places)


def _take(
    frame: pl.DataFrame,
    labels: Tensor | None,
    how: float | str,
    source: TableSource,
    draw: tuple[int, str],
    notes: list[str],
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows that stay and those that are taken out, or all rows and those of another file."""
    if isinstance(how, str):
        other = read_table(Path(how), as_text=[*source.categorical, *as_text(source)])
        _check_names(source, other.columns)
        return frame, _with_target(other, source, notes)
    if not how > 0 or (how >= 1 and how != int(how)) or (how >= frame.height):
        raise refuse(f"--{draw[1]}", how, f"a share in (0, 1), a number of rows below {frame.height}, or a file")
    if source.time:
        taken = _latest(frame, source.time, how)
    elif source.group:
        taken = _groups(frame, source.group, how, draw[0])
    else:
        places = torch.arange(frame.height)
        by_class = labels if labels is not None else torch.zeros(frame.height)
        _, held = split_rows(Rows(places, by_class), how if how < 1 else int(how), draw[0])
        taken = np.isin(np.arange(frame.height), held.stored.numpy())
    return frame.filter(~pl.Series(taken)), frame.filter(pl.Series(taken))


def _latest(frame: pl.DataFrame, time: str, how: float) -> "np.ndarray":
    """Whether a row is among the latest; rows of the same time as the first of these are among them too."""
    kind = kinds_of(frame.select(time))[0]
    moments = kind.moments(frame[time])
    if moments.null_count():
        row = moments.is_null().arg_true()[0]
        raise refuse(f"time {time!r}", frame[time][row], f"a date or a number in row {row + 1:,}", "mend it")
    border = moments.sort()[-max(1, round(how * frame.height if how < 1 else how))]
    late: np.ndarray = (moments >= border).to_numpy()
    if late.all():
        raise refuse(f"time {time!r}", "one time for all rows", "a column with earlier and later rows", "leave it out")
    return late


def _groups(frame: pl.DataFrame, group: str, how: float, seed: int) -> "np.ndarray":
    """Whether a row belongs to one of the groups that are taken out: groups by chance until there are rows enough."""
    names = texts(frame[group]).fill_null("")
    counts = names.value_counts(name="rows").sort(group)
    if len(counts) < 3:
        raise refuse(f"group {group!r}", f"{len(counts)} groups", "a column of three groups or more", "leave it out")
    order = np.random.default_rng(seed).permutation(len(counts))
    rows = counts["rows"].to_numpy()[order].cumsum()
    wanted = how * frame.height if how < 1 else how
    num_groups = min(max(1, int(np.searchsorted(rows, wanted)) + 1), len(counts) - 1)
    chosen = counts[group].gather(order[:num_groups])
    taken: np.ndarray = names.is_in(chosen.implode()).to_numpy()
    return taken
