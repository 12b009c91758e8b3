"""Which rows of a table train, validate and test, by index: nothing of the table is copied."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import polars as pl
import torch
from torch import Tensor

from ...check import InputError, InWords, refuse
from ...table.dates import DATE_FORMATS, dates
from ...table.kinds import kinds_of, plainly
from ...table.targets import TargetColumns, named_any
from ...table.values import missing, texts
from .._base import Rows
from .._split import split_rows
from .source import TableSource

PLACE = "\0place"
"""The name of the index column while rows are split; no file has a column of that name."""

NEXT_TO_NOTHING = 0.1
"""The share of the rows wanted for a part below which it is said to have few."""


class Taken(NamedTuple):
    """Some rows of a frame: the frame and their indices in it, in order."""

    frame: pl.DataFrame
    places: pl.Series
    file: str = ""
    """The file that they are in, where it is another one than that of the training rows."""

    def column(self, name: str) -> pl.Series:
        """The values of these rows in one column."""
        values = self.frame[name]
        return values if len(self.places) == self.frame.height else values.gather(self.places)

    def columns(self, names: Sequence[str]) -> pl.DataFrame:
        """The same for some columns, beside each other."""
        return pl.DataFrame([self.column(name) for name in names])


@contextmanager
def named(file: str) -> Iterator[None]:
    """A context that puts the name of another file, if there is one, before an error about its rows."""
    try:
        yield
    except InputError as error:
        if file:
            raise InputError(f"in {file}, {error}") from error
        raise


class TableParts(NamedTuple):
    """The rows to train, to validate and to test on; of another file, in another frame."""

    train: Taken
    valid: Taken
    test: Taken


def with_target(frame: pl.DataFrame, source: TableSource, notes: list[str]) -> Taken:
    """The rows that have all targets, with a note about the others."""
    without = pl.repeat(False, frame.height, dtype=pl.Boolean, eager=True)
    for name in source.targets:
        gaps = missing(frame[name])
        if gaps.all():
            raise refuse(f"target {name!r}", InWords("no value at all"), "a column with values", "check the file")
        without |= gaps
    notes += left_out(int(without.sum()), source)
    return Taken(frame, (~without).arg_true())


def left_out(number: int, source: TableSource) -> list[str]:
    """The note about rows with a missing target."""
    if not number:
        return []
    rows = "1 row has" if number == 1 else f"{number:,} rows have"
    return [f"{rows} {named_any(source.targets)} to learn from or to be measured by: left out."]


def split_table(labeled: Taken, source: TableSource, targets: TargetColumns, seed: int) -> tuple[Taken, Taken, Taken]:
    """The rows to train, to validate and to test on, where the last two are not other files: then they have none.

    Raises an `InputError` where shares, groups or times leave a part empty.
    """
    names = list(source.about_rows)
    roles = labeled.columns(names).with_columns(labeled.places.alias(PLACE))
    if source.time:
        roles = roles.with_columns(_moments(labeled, source.time, source.decimal))
    rest, test = _take(roles, targets, source, (seed, "test"))
    train, valid = _take(rest, targets, source, (seed, "valid"))
    first, second, third = (Taken(labeled.frame, part[PLACE]) for part in (train, valid, test))
    return first, second, third


def _take(
    roles: pl.DataFrame, targets: TargetColumns, source: TableSource, draw: tuple[int, str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows that stay, and those that are taken out: none for a part that is another file."""
    how = source.valid if draw[1] == "valid" else source.test
    if isinstance(how, str):
        return roles, roles.clear()
    is_number = how > 0 and (how < 1 or how == int(how)) and how < roles.height
    if not is_number or (how < 1 and not 1 <= round(how * roles.height) < roles.height):
        got = int(how) if how == int(how) else how
        expected = f"a share in (0, 1) that leaves a row, a number of rows below {roles.height}, or a file"
        raise refuse(f"--{draw[1]}", got, expected, "0.2 is usual")
    num_left = 2 if draw[1] == "test" and not isinstance(source.valid, str) else 1
    if source.time:
        taken = _latest(roles[source.time], how, num_left)
    elif source.group:
        taken = _groups(roles, source.group, how, draw[0], num_left)
    else:
        taken = _by_chance(roles.height, _labels(roles, targets), how if how < 1 else int(how), draw[0])
    return roles.filter(~pl.Series(taken)), roles.filter(pl.Series(taken))


def groups_of(parts: TableParts, source: TableSource) -> "np.ndarray | None":
    """The number of the group of each row to train and then to validate on; None without groups, or in two files."""
    if source.group is None or parts.valid.file:
        return None
    names = [texts(part.column(source.group)).fill_null("") for part in (parts.train, parts.valid)]
    return pl.concat(names).rank("dense").to_numpy()


def times_of(parts: TableParts, source: TableSource) -> "np.ndarray | None":
    """The time of each row to train and then to validate on, as a number; None without times, or in two files."""
    if source.time is None or parts.valid.file:
        return None
    moments = [_moments(part, source.time, source.decimal) for part in (parts.train, parts.valid)]
    return pl.concat(moments).to_numpy()


def _labels(roles: pl.DataFrame, targets: TargetColumns) -> Tensor:
    """What a part must keep the shares of: classes, of several columns those that occur together; or nothing."""
    if not targets.are_classes:
        return torch.zeros(roles.height)
    y = targets.encode(roles)
    labels: Tensor = y if y.dim() == 1 else y.unique(dim=0, return_inverse=True)[1]
    return labels


def _by_chance(num_rows: int, labels: Tensor, how: float, seed: int) -> "np.ndarray":
    """Whether a row is taken."""
    _, held = split_rows(Rows(torch.arange(num_rows), labels), how, seed)
    taken = np.zeros(num_rows, dtype=bool)
    taken[held.stored.numpy()] = True
    return taken


def _moments(labeled: Taken, time: str, decimal: str) -> pl.Series:
    """The times as increasing numbers; raises an `InputError` with the row of one that is not a time."""
    kind, values = kinds_of(labeled.frame.select(time), decimal=decimal)[0], labeled.column(time)
    moments, expected = kind.moments(values), "a date or a number"
    if moments.null_count() and values.dtype == pl.String:
        usual = max(DATE_FORMATS, key=lambda known: dates(values, known).count())
        if dates(values, usual).count() > len(values) / 2:  # some are invalid, but not all
            moments, expected = dates(values, usual), f"a date written {plainly(usual)}"
    if moments.null_count():
        wrong = moments.is_null().arg_true()[0]
        row = labeled.places[wrong] + 1
        raise refuse(f"time {time!r}", values[wrong], f"{expected} in row {row:,}", "fix it, or leave the row out")
    return moments.alias(time)


def _latest(moments: pl.Series, how: float, num_left: int) -> "np.ndarray":
    """Whether a row is among the latest; rows of the same time as the first of these are among them too.

    At least `num_left` times stay, one for each part that is still to be filled.
    """
    different = moments.unique().sort()
    if len(different) <= num_left:
        wanted_times = f"a column of {num_left + 1} different times or more, one for each part"
        raise refuse(f"time {moments.name!r}", len(different), wanted_times, "leave it out")
    border = max(moments.sort()[-max(1, round(how * len(moments) if how < 1 else how))], different[num_left])
    late: np.ndarray = (moments >= border).to_numpy()
    return late


def small_parts(source: TableSource, sizes: Mapping[str, int]) -> list[str]:
    """A note about each part that groups or times leave with next to nothing of the rows wanted for it.

    `sizes` are the rows of "train", and of "valid" and "test", which do not count where they are another file.
    """
    option = "--group" if source.group else "--time" if source.time else ""
    how = {name: getattr(source, name) for name in ("test", "valid")}
    wanted: dict[str, float] = {}
    left: float = sum(size for name, size in sizes.items() if not isinstance(how.get(name), str))
    for name, size in how.items():
        wanted[name] = 0 if isinstance(size, str) else _wanted(size, left)
        left -= wanted[name]
    words = {"train": "to train on", "valid": "to validate on", "test": "to test on"}
    return [
        f"{option} leaves {sizes[name]:,} of about {size:,.0f} rows {words[name]}, as it keeps equal values together: "
        f"what so few rows say is mostly chance; a column of more and smaller {'groups' if source.group else 'times'} "
        f"would part them better."
        for name, size in {"train": left, **wanted}.items()
        if option and sizes[name] < NEXT_TO_NOTHING * size
    ]


def _wanted(how: float, num_rows: float) -> float:
    """The rows of a part: a share of them all, or a number."""
    return how * num_rows if how < 1 else how


def _groups(roles: pl.DataFrame, group: str, how: float, seed: int, num_left: int) -> "np.ndarray":
    """Whether a row belongs to one of the groups that are taken out: random ones, until there are rows enough.

    At least `num_left` groups stay, one for each part that is still to be filled. None is taken that has more than
    twice the rows wanted, unless all have: else the largest might leave next to nothing to train on. Where that leaves
    few groups, the parts that are still to be filled get as many of their rows; and where they have next to nothing,
    the group that is nearest to the number wanted is taken instead, if enough rows stay.
    """
    names = texts(roles[group]).fill_null("")
    counts = names.value_counts(name="rows").sort(group)
    if len(counts) <= num_left:
        wanted_groups = f"a column of {num_left + 1} groups or more, one for each part"
        raise refuse(f"group {group!r}", len(counts), wanted_groups, "leave it out")
    order, sizes = np.random.default_rng(seed).permutation(len(counts)), counts["rows"].to_numpy()
    wanted = _wanted(how, roles.height)
    fitting = order[sizes[order] <= 2 * max(wanted, sizes.min())]
    rows = sizes[fitting].cumsum()
    until = wanted if len(fitting) == len(order) else min(wanted, rows[-1] / num_left)
    chosen = fitting[: min(max(1, int(np.searchsorted(rows, until)) + 1), len(counts) - num_left)]
    if sizes[chosen].sum() < NEXT_TO_NOTHING * wanted:
        enough_stay = roles.height - sizes[order] >= NEXT_TO_NOTHING * (roles.height - wanted)
        larger = order[enough_stay & (sizes[order] > sizes[chosen].sum())]
        chosen = larger[np.abs(np.log(sizes[larger] / wanted)).argsort()[:1]] if len(larger) else chosen
    taken: np.ndarray = names.is_in(counts[group].gather(chosen).implode()).to_numpy()
    return taken
