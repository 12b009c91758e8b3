"""A data set from a file: its rows in three parts, encoded by what the first part teaches."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Self, final

import numpy as np
import polars as pl
from torch import Tensor

from ..check import InputError, one_of, refuse, warn
from ..table.encoder import Encoder, warn_of_new
from ..table.kinds import ColumnKind, kinds_of
from ..table.packed import stem_of
from ..table.pixels import fit_pixels, has_numbers, pixel_kinds
from ..table.read import read_table
from ..table.targets import TargetColumns, fit_targets
from ..table.values import are_whole, found_nowhere, has_decimal_comma, may_be_thousands, with_gaps
from ..table.words import listed
from ._base import Dataset, Rows
from ._leaks import MOST_ROWS, leaks, never_seen, repeated
from ._part_rows import encoded_parts
from ._row_weights import weights_of
from ._table_split import TableParts, Taken, named, split_table, with_target

SHARE = 0.2
"""Of the rows to test on, and of the rest to validate on, where nothing else is asked for."""

FEWEST = 5
"""Rows that a table must have, so that each part has one."""


@final
@dataclass(frozen=True)
class TableSource:
    """A file to train on, and what its user says about it; plain values, so that a run can remember it.

    `target` is the column to predict, or the names of several. `valid` and `test` are a share or a number of the rows,
    or another file. `group` keeps rows of the same value in one part, `time` tests on the latest rows and validates on
    those before them, `weight` weighs the rows. With `stream`, `window` rows are shuffled together, and encoded rows
    are kept on disk for later epochs where there is a `cache`. What is written as one of `missing` is missing, beside
    what is so in every file; `decimal` is what stands before the decimals of numbers in texts, where the values do not
    tell.
    """

    file: str
    target: str | tuple[str, ...]
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
    cache: bool = True
    missing: tuple[str, ...] = ()
    decimal: str = ""

    @property
    def name(self) -> str:
        """What the data set is called: after the file, or the folder of several."""
        path = Path(self.file)
        is_several = any(mark in path.name for mark in "*?[")
        return path.parent.name or "files" if is_several else stem_of(path)

    @property
    def targets(self) -> tuple[str, ...]:
        """The columns to predict."""
        return (self.target,) if isinstance(self.target, str) else self.target

    @property
    def about_rows(self) -> dict[str, str]:
        """The columns that say something about a row and are not given to the network."""
        others = {"group": self.group, "time": self.time, "weight": self.weight}
        return dict.fromkeys(self.targets, "target") | {name: role for role, name in others.items() if name}

    def in_folder(self, folder: Path) -> Self:
        """The same files where they lie in another folder."""

        def there(file: str) -> str:
            return str(folder / Path(file).name)

        files = [how for how in (self.file, self.valid, self.test) if isinstance(how, str)]
        if len(set(map(there, files))) < len(set(files)):
            raise refuse(
                "--data-dir", str(folder), f"left out for files of the same name, {listed(files)}", "put them back"
            )
        valid, test = (there(how) if isinstance(how, str) else how for how in (self.valid, self.test))
        return replace(self, file=there(self.file), valid=valid, test=test)

    def to_dict(self) -> dict[str, Any]:
        """The source as plain values."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The source that `to_dict` wrote."""
        for name, value in values.items():
            one_of("a setting of [run.table]", name, [field.name for field in fields(cls)])
            kind, expected = _KINDS.get(name, (str, "a text"))
            if value is not None and not isinstance(value, kind):
                raise refuse(f"{name} in [run.table]", value, expected, "put it back as it was")
        lists = {name: tuple(values.get(name, ())) for name in ("categorical", "ignore", "missing")}
        target = values["target"] if isinstance(values["target"], str) else tuple(values["target"])
        return cls(**{**values, **lists, "target": target})


_KINDS: dict[str, tuple[Any, str]] = {
    **dict.fromkeys(("categorical", "ignore"), (list | tuple, "a list of columns")),
    "missing": (list | tuple, "a list of texts"),
    "target": (str | list | tuple, "a column, or a list of columns"),
    **dict.fromkeys(("valid", "test"), (int | float | str, "a number or a file")),
    **dict.fromkeys(("stream", "cache"), (bool, "true or false")),
    "window": (int, "a whole number"),
}
"""What a setting must be that is no text."""


class LoadedTable(NamedTuple):
    """The data set, what each column was taken for, and what its user should know, a sentence each."""

    data: Dataset
    kinds: list[ColumnKind]
    notes: list[str]


def load_table(
    source: TableSource,
    *,
    seed: int,
    encoder: Encoder | None = None,
    scales_target: bool = True,
    pixels: bool = False,
) -> LoadedTable:
    """Reads the file, takes its columns for something, splits the rows and encodes them.

    Rows without a target are left out. The encoder is fitted on the training part, unless there is one already; with
    `scales_target` a number to predict is on the scale of that part, with `pixels` all columns are those of images, on
    one scale. The split is drawn from the seed, with classes in equal shares. Raises an `InputError`, one sentence,
    where the file, a column or the target cannot be used.

    In memory is the file as a frame, of which rows go as they are encoded.
    """
    if encoder is not None:
        _check_remembered(source, encoder)
    if source.stream:
        from ._load_stream import load_stream  # which stands on this file

        return load_stream(source, seed=seed, encoder=encoder, scales_target=scales_target, pixels=pixels)
    learnt, parts = _learn(source, seed, encoder, scales_target=scales_target, pixels=pixels)
    train, valid, test = _encoded(learnt.encoder, parts, learnt.source)
    targets = learnt.encoder.targets
    data = Dataset(
        train,
        valid,
        test,
        num_outputs=targets.num_outputs,
        name=source.name,
        class_names=targets.class_names,
        encoder=learnt.encoder,
    )
    return LoadedTable(data, learnt.kinds, learnt.notes)


def _check_remembered(source: TableSource, encoder: Encoder) -> None:
    """Raises an `InputError` unless what a run says of its file goes with its encoder, and the file is there."""
    if source.targets != encoder.targets.names:
        expected = f"{listed(encoder.targets.names)}, which the network predicts"
        raise refuse("target in [run.table]", source.target, expected, "put it back as it was")
    if not source.stream and not Path(source.file).exists():
        raise InputError(
            f"the file that the run was trained on must be where it was, got none at {source.file!r}; put it back "
            f"there, name the folder where it is now with --data-dir, or measure on another one: fivestep evaluate RUN "
            f"FILE"
        )


class _Learnt(NamedTuple):
    """The source and what its file tells of commas, the columns' kinds, what the training part teaches, and notes."""

    source: TableSource
    encoder: Encoder
    kinds: list[ColumnKind]
    notes: list[str]


def _learn(
    source: TableSource, seed: int, encoder: Encoder | None, *, scales_target: bool, pixels: bool
) -> tuple[_Learnt, list[Taken]]:
    """What is learnt from the file, and the rows to train, to validate and to test on, which alone hold its frame."""
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
    return _Learnt(source, encoder, kinds, notes), list(parts)


def _read(file: str, source: TableSource, texts: Sequence[str] = ()) -> pl.DataFrame:
    """The rows of a file, as the source says that they are to be read, and some columns as texts; gaps not yet."""
    texts = [*source.categorical, *as_text(source), *texts]
    return read_table(Path(file), as_text=texts, decimal=source.decimal)


def _with_comma(source: TableSource, frame: pl.DataFrame, texts: Sequence[str]) -> tuple[TableSource, pl.DataFrame]:
    """The same, but where some numbers of the file show that a comma stands before decimals, 1.234 is a thousand."""
    if source.decimal or not has_decimal_comma(frame):
        return source, frame
    some = thousands(frame)
    return replace(source, decimal=","), _read(source.file, source, [*texts, *some]) if some else frame


def thousands(frame: pl.DataFrame) -> list[str]:
    """The columns of numbers that may be thousands where a comma stands before decimals: 1.234, or 1.000."""
    numbers = [column for column in frame if column.dtype == pl.Float64]
    return [column.name for column in numbers if may_be_thousands(column) or are_whole(column)]


def _warn_of_tokens(frame: pl.DataFrame, source: TableSource) -> None:
    """Warns of what is said to be missing, and stands nowhere."""
    for token in found_nowhere(frame, source.missing):
        warn(f"--missing {token} is ignored, as no value of {source.file} is that; check how it is written there.")


def _fit_targets(frame: pl.DataFrame, source: TableSource, places: pl.Series) -> TargetColumns:
    return fit_targets(frame, source.targets, source.task, places=places, decimal=source.decimal)


def _parts(labeled: Taken, source: TableSource, targets: TargetColumns, seed: int, notes: list[str]) -> TableParts:
    """The rows to train, to validate and to test on, from one file or from several."""
    train, valid, test = split_table(labeled, source, targets, seed)
    texts = [column.name for column in labeled.frame if column.dtype == pl.String]  # in every file, or 1.234 is another
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
    """The encoder, with all it learns from the training part."""
    try:
        return fit(frame, kinds, targets, rows=train)
    except InputError:
        fit(frame, kinds, targets)  # which names the row of the file, not of its training part
        raise


def _encoded(encoder: Encoder, parts: list[Taken], source: TableSource) -> list[Rows]:
    """The rows of the parts, whose list is emptied."""
    targets = [_named_targets_of(encoder, part, source) for part in parts]
    inputs = encoded_parts(encoder, parts)
    return [Rows(x, y, weight) for x, (y, weight) in zip(inputs, targets, strict=True)]


def _named_targets_of(encoder: Encoder, part: Taken, source: TableSource) -> tuple[Tensor, Tensor | None]:
    """The targets of a part, and their weights."""
    with named(part.file):
        return _targets_of(encoder, part.frame, source, part.places)


def _targets_of(
    encoder: Encoder, frame: pl.DataFrame, source: TableSource, places: pl.Series | None
) -> tuple[Tensor, Tensor | None]:
    """The targets of rows, and their weights where they have some."""
    return encoder.targets.encode(frame, places=places), weights_of(frame, source, places)


def rows_of(encoder: Encoder, frame: pl.DataFrame, source: TableSource, places: pl.Series | None = None) -> Rows:
    """The rows of a frame with a target, or those at some places of it, encoded."""
    y, weight = _targets_of(encoder, frame, source, places)
    rows = None if places is None else places.to_numpy().astype(np.int64)
    return Rows(encoder.encode(frame, rows=rows), y, weight)


def labeled_rows(encoder: Encoder, file: Path, source: TableSource | None) -> Rows:
    """The rows of another file with the same columns and a target, to measure on."""
    source = source or TableSource(str(file), encoder.targets.names)
    texts, source = texts_of(encoder, source)
    frame = with_gaps(read_table(file, as_text=texts), source.missing)
    check_has_target(encoder, file, frame.columns)
    weight = source.weight if source.weight in frame.columns else None
    labeled = with_target(frame, replace(source, file=str(file), weight=weight), [])
    encoder.check_columns(frame.columns)
    warn_of_new(encoder.num_new(labeled.columns([column.name for column in encoder.columns])), len(labeled.places))
    return rows_of(encoder, frame, replace(source, weight=weight), labeled.places)


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


def as_text(source: TableSource) -> tuple[str, ...]:
    """Classes stay as they are written, where it is known that they are classes."""
    return source.targets if source.task == "classification" else ()


def check_names(source: TableSource, columns: Sequence[str]) -> None:
    """Raises an `InputError` for a column that is named and not there, or for two things that exclude each other."""
    for name in source.targets:
        refuse_joined("the target column", name, columns, " ".join(f"--target {part}" for part in name.split(",")))
    for name, role in source.about_rows.items():
        one_of(f"the {role} column", name, columns)
    about = [*source.targets, *(name for name in (source.group, source.time, source.weight) if name)]
    for name in source.about_rows:
        if about.count(name) > 1:
            raise InputError(
                f"the columns of target, group, time and weight must be different ones, got {name!r} twice; "
                f"name another."
            )
    for name in (*source.categorical, *source.ignore):
        refuse_joined("a column in --categorical or --ignore", name, columns, name.replace(",", " "))
        one_of("a column in --categorical or --ignore", name, columns)
    for name in set(source.categorical) & set(source.ignore):
        raise refuse("a column", name, "in one of --categorical and --ignore, not in both", "leave it out in one")
    if source.group and source.time:
        raise InputError(
            f"--group and --time must not be used together, got {source.group!r} and {source.time!r}; leave out one of "
            f"them."
        )
    for name in (*source.categorical, *source.ignore):
        if name in source.about_rows:
            advice = "it is no input anyway: leave it out there"
            raise refuse(f"the {source.about_rows[name]} column", name, "none of --categorical and --ignore", advice)


def refuse_joined(what: str, name: str, columns: Sequence[str], apart: str) -> None:
    """Raises an `InputError` for the names of several columns with commas between them."""
    if name not in columns and set(name.split(",")) <= set(columns):
        raise refuse(what, name, "one column", f"write them apart: {apart}")


def _kinds(inputs: pl.DataFrame, source: TableSource) -> list[ColumnKind]:
    names = set(inputs.columns)
    chosen = {"categorical": names & set(source.categorical), "ignore": names & set(source.ignore)}
    return kinds_of(inputs, **chosen, decimal=source.decimal)
