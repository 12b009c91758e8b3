"""A fitted column: what it learned from the training part, and how it turns values into numbers."""

import datetime
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self, final

import numpy as np
import polars as pl

from ..check import InputError
from .dates import dates
from .kinds import ColumnKind, plainly, shortened
from .values import PLAIN, NumberFormat, missing, numbers, texts

MOST_ONE_HOT = 8
"""The most levels (a missing value counts as one) of a one-hot encoded category; with more, it is embedded."""

LEAST_ROWS = 2
"""The least training rows of a level of an embedded category; rarer levels train the code for unknown ones."""

NO_LEVEL = 0
"""The code of a value that is not a level: unseen in training, or too rare."""

EPOCH = datetime.datetime(1970, 1, 1)


class FittedColumn(ABC):
    """A column as frozen data; it yields raw numbers, which the encoder then puts on one scale."""

    kind: ClassVar[str]
    name: str
    can_be_missing: bool

    @property
    @abstractmethod
    def features(self) -> tuple[str, ...]:
        """The names of the numbers that a value becomes; empty if it becomes a code."""

    num_numbers: ClassVar[int] = 0
    """How many of the features, the first ones, are numeric; the others are binary."""

    @property
    @abstractmethod
    def num_codes(self) -> int:
        """The number of codes that an embedded category has; 0 for all other columns."""

    @abstractmethod
    def raw(self, values: pl.Series, first_row: int) -> list[np.ndarray]:
        """The numbers (N,) by feature in float64, or the one column of codes; nan where a value is missing.

        Rows are numbered from `first_row` in the `InputError` for a value that cannot be read.
        """

    @abstractmethod
    def understood(self, values: pl.Series) -> pl.Series:
        """The values in a canonical form, whatever their type; null where one is missing or cannot be read."""

    @abstractmethod
    def is_new(self, values: pl.Series) -> np.ndarray:
        """Whether a value (N,) is new to training: an unknown level, or missing where none was missing before."""

    @final
    def to_dict(self) -> dict[str, Any]:
        """The column as plain values."""
        return {"kind": self.kind, **asdict(self)}  # type: ignore[call-overload]  # every subclass is a dataclass


@final
@dataclass(frozen=True)
class NumberColumn(FittedColumn):
    """A number, and whether it is missing if that occurred in training."""

    kind: ClassVar[str] = "number"
    num_numbers: ClassVar[int] = 1
    name: str
    number_format: NumberFormat
    can_be_missing: bool

    @classmethod
    def fit(cls, kind: ColumnKind, values: pl.Series) -> Self:
        """Learns whether a value can be missing."""
        return cls(kind.name, kind.number_format, bool(missing(values).any()))

    @property
    def features(self) -> tuple[str, ...]:
        return (self.name, *((f"{self.name} is missing",) if self.can_be_missing else ()))

    @property
    def num_codes(self) -> int:
        return 0

    def understood(self, values: pl.Series) -> pl.Series:
        return numbers(values, self.number_format)

    def is_new(self, values: pl.Series) -> np.ndarray:
        return _new_gaps(values, self.can_be_missing)

    def raw(self, values: pl.Series, first_row: int) -> list[np.ndarray]:
        found = numbers(values, self.number_format)
        gaps = missing(values)
        if found.null_count():
            expected = "numbers" if self.number_format == PLAIN else "numbers as in training"
            _refuse(values, found.is_null() & ~gaps, first_row, f"{expected}, such as {self.number_format}")
        raw = found.to_numpy()
        if np.isinf(raw).any():
            _refuse(values, found.is_infinite(), first_row, "finite numbers")
        return [raw, *([gaps.cast(pl.Float64).to_numpy()] if self.can_be_missing else [])]


@final
@dataclass(frozen=True)
class DateColumn(FittedColumn):
    """A date as days since 1970, year, month, day of the month, day of the week (Monday is 1), hour."""

    PARTS: ClassVar[tuple[str, ...]] = ("days", "year", "month", "day", "weekday", "hour")
    kind: ClassVar[str] = "date"
    num_numbers: ClassVar[int] = len(PARTS)
    name: str
    date_format: str
    can_be_missing: bool

    @classmethod
    def fit(cls, kind: ColumnKind, values: pl.Series) -> Self:
        """Learns whether a value can be missing."""
        return cls(kind.name, kind.date_format, bool(missing(values).any()))

    @property
    def features(self) -> tuple[str, ...]:
        gap = (f"{self.name} is missing",) if self.can_be_missing else ()
        return (*(f"{part} of {self.name}" for part in self.PARTS), *gap)

    @property
    def num_codes(self) -> int:
        return 0

    def understood(self, values: pl.Series) -> pl.Series:
        return dates(values, self.date_format)

    def is_new(self, values: pl.Series) -> np.ndarray:
        return _new_gaps(values, self.can_be_missing)

    def raw(self, values: pl.Series, first_row: int) -> list[np.ndarray]:
        moments, gaps = dates(values, self.date_format), missing(values)
        written = (
            f" as in training, written {plainly(self.date_format)}" if self.date_format else ", such as 2024-03-01"
        )
        _refuse(values, moments.is_null() & ~gaps, first_row, f"dates{written}")
        seconds = (moments - EPOCH).dt.total_seconds()
        of = moments.dt
        parts = [seconds / 86400, of.year(), of.month(), of.day(), of.weekday(), of.hour()]
        found = [part.cast(pl.Float64).to_numpy() for part in parts]
        return [*found, *([gaps.cast(pl.Float64).to_numpy()] if self.can_be_missing else [])]


@final
@dataclass(frozen=True)
class LevelColumn(FittedColumn):
    """A category. Its codes are 0 for a value that is no level, 1 to L for the levels, and L + 1 where it is missing.

    Two levels become one number, -1 and +1 (0 for anything else), up to eight become one column of 0 and 1 for each (a
    value that is no level has only zeros), more become the code, for the network's first layer to embed. A missing
    value is a level of its own if training has seen one, and otherwise no level.
    """

    kind: ClassVar[str] = "category"
    name: str
    levels: tuple[str, ...]
    can_be_missing: bool
    holds_numbers: bool
    """Whether the values are numbers, so that "1", "1.0" and 1 are the same level."""

    @classmethod
    def fit(cls, kind: ColumnKind, values: pl.Series) -> Self:
        """Learns the levels."""
        counts = values.alias("value").value_counts(name="rows")  # distinct values are few, so the rest is quick
        return cls.of_counts(kind, counts)

    @classmethod
    def of_counts(cls, kind: ColumnKind, counts: pl.DataFrame) -> Self:
        """Learns the levels from the distinct values, in the column "value", and their number of "rows"."""
        different = counts["value"]
        holds_numbers = _are_numbers(different)
        levels = counts.with_columns(level=_level_texts(different, holds_numbers)).group_by("level").agg(pl.sum("rows"))
        can_be_missing = bool(missing(different).any())
        levels = levels.drop_nulls()
        if len(levels) + can_be_missing > MOST_ONE_HOT:
            levels = levels.filter(pl.col("rows") >= LEAST_ROWS)
        return cls(kind.name, tuple(levels["level"].sort()), can_be_missing, holds_numbers)

    @property
    def features(self) -> tuple[str, ...]:
        if self.num_codes:
            return ()
        shown = self.levels[1:] if len(self.levels) == 2 else self.levels
        gap = (f"{self.name} is missing",) if self.can_be_missing else ()
        return (*(f"{self.name} is {level}" for level in shown), *gap)

    @property
    def num_codes(self) -> int:
        num_levels = len(self.levels) + self.can_be_missing
        return 1 + num_levels if num_levels > MOST_ONE_HOT else 0

    def codes(self, values: pl.Series) -> np.ndarray:
        """The code of each value, (N,)."""
        different = values.unique()  # each distinct value is looked up once
        text, numbered = _level_texts(different, self.holds_numbers), pl.Series(range(1, len(self.levels) + 1))
        found = text.replace_strict(pl.Series(self.levels, dtype=pl.String), numbered, default=NO_LEVEL)
        of_gap = len(self.levels) + 1 if self.can_be_missing else NO_LEVEL
        codes = found.fill_null(NO_LEVEL).set(missing(different), of_gap)
        return values.replace_strict(different, codes, return_dtype=pl.Int64).to_numpy()

    def understood(self, values: pl.Series) -> pl.Series:
        return _level_texts(values, self.holds_numbers)

    def is_new(self, values: pl.Series) -> np.ndarray:
        is_none: np.ndarray = self.codes(values) == NO_LEVEL
        return is_none

    def raw(self, values: pl.Series, first_row: int) -> list[np.ndarray]:
        codes = self.codes(values)
        if self.num_codes:
            return [codes]
        gap = [(codes == len(self.levels) + 1).astype(float)] if self.can_be_missing else []
        if len(self.levels) == 2:
            return [np.select([codes == 1, codes == 2], [-1.0, 1.0], 0.0), *gap]
        return [*((codes == k).astype(float) for k in range(1, len(self.levels) + 1)), *gap]


COLUMNS: Mapping[str, type[NumberColumn] | type[DateColumn] | type[LevelColumn]] = {
    "number": NumberColumn,
    "date": DateColumn,
    "category": LevelColumn,
    "yes/no": LevelColumn,
}
"""The fitted column for each kind that a network is given."""


def column_from_dict(values: Mapping[str, Any]) -> FittedColumn:
    """The column that `to_dict` wrote."""
    given = {key: value for key, value in values.items() if key != "kind"}
    if "number_format" in given:
        given["number_format"] = NumberFormat(*given["number_format"])
    if "levels" in given:
        given["levels"] = tuple(given["levels"])
    return COLUMNS[values["kind"]](**given)


def _are_numbers(values: pl.Series) -> bool:
    """Whether all values are numbers with several spellings, unlike 007, that float64 distinguishes."""
    if values.dtype != pl.String:
        return values.dtype.is_numeric() and not (values.dtype.is_integer() and (values.abs() > 2**53).any())
    present = values.filter(~missing(values)).str.strip_chars()
    return bool(len(present) > 0 and present.str.contains(r"^-?(0|[1-9]\d{0,14})(\.\d+)?$").all())


def _level_texts(values: pl.Series, holds_numbers: bool) -> pl.Series:
    return texts(numbers(values, PLAIN) if holds_numbers else values)


def _new_gaps(values: pl.Series, can_be_missing: bool) -> np.ndarray:
    """Whether a value (N,) is missing, if that never occurred in training."""
    return np.zeros(len(values), dtype=bool) if can_be_missing else missing(values).to_numpy()


def _refuse(values: pl.Series, wrong: pl.Series, first_row: int, expected: str) -> None:
    """Raises an `InputError` for the first value that is wrong."""
    if wrong.any():
        row = wrong.arg_true()[0]
        raise InputError(
            f"column {values.name!r} must hold {expected}, got {shortened(values[row])} in row {first_row + row:,}; "
            f"fix it, or leave the row out."
        )
