"""The kind of a column and its fitted parameters, from one pass over the blocks of a table.

Counts, ends and levels are exact; the quartiles of numbers are within the bound of `QuantileSketch`. What `kinds_of`
and `Encoder.fit` learn from a whole frame is learned here from parts of it.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from typing import NamedTuple, final

import numpy as np
import polars as pl

from ..check import InputError
from .codes import Codes
from .columns import DateColumn, FittedColumn, LevelColumn, NumberColumn
from .dates import date_format_of, dates, may_be_days
from .encoder import QUARTILES, Encoder, center_and_scale_of
from .kinds import (
    FEW,
    FEWEST_DAYS,
    MOSTLY,
    ColumnKind,
    always,
    is_named_identifier,
    number_kind,
    plainly,
    refuse_ambiguous,
    shortened,
    warn_of_code,
    warn_of_days,
)
from .level_counts import LevelCounts
from .pixels import encoder_of_pixels, pixel_kinds
from .rounded import EXACT, RoundedNumbers, warn_of_rounded
from .sketch import QuantileSketch, quantiles_of_counts
from .targets import TargetColumns
from .values import (
    PLAIN,
    SECONDS,
    UNUSABLE,
    NumberFormat,
    closest_number_format,
    missing,
    number_format_of,
    numbers,
    present_array,
)

FEW_VALUES = 11
"""The most distinct numbers that are counted: enough for binary columns and the classes of a target."""

Scales = list[tuple[float, float]]


class Place(NamedTuple):
    """The origin of some values: a file, and their rows in it, (N,), counted from 1."""

    file: str
    rows: "np.ndarray"


class ColumnSurvey(ABC):
    """A column during a pass over its blocks."""

    def __init__(self, name: str) -> None:
        self.name = name

    @abstractmethod
    def add(self, values: pl.Series, place: Place) -> None:
        """Adds the values of one block; raises an `InputError` with the row of one that cannot be read."""

    @abstractmethod
    def kind(self) -> ColumnKind:
        """The kind of the column."""

    @abstractmethod
    def fitted(self, kind: ColumnKind) -> FittedColumn:
        """The fitted column."""

    @abstractmethod
    def scales(self, column: FittedColumn) -> Scales:
        """Center and scale of each of its features."""


@final
class NumberSurvey(ColumnSurvey):
    """A column of numbers."""

    def __init__(self, name: str, number_format: NumberFormat = PLAIN, advice: str | None = None) -> None:
        super().__init__(name)
        self._advice = advice or f"fix it, or say --categorical {name}"
        self.number_format, self.sketch, self.num_gaps = number_format, QuantileSketch(), 0
        self.is_whole = True
        self.few: dict[float, int] | None = {}
        self._all_different, self._offsets = is_named_identifier(name), (np.inf, -np.inf)
        self._codes, self._rounded = Codes(), RoundedNumbers()
        self._first, self._are_days = 0.0, not number_format.has_unit

    def add(self, values: pl.Series, place: Place) -> None:
        found, gaps = numbers(values, self.number_format), missing(values)
        if values.dtype == pl.String:
            self._codes.add(values.filter(~gaps))
        if found.null_count():
            _refuse(values, found.is_null() & ~gaps, place, "numbers, as it does elsewhere", self._advice)
        x = present_array(found)
        if np.isinf(x).any():
            _refuse(values, found.is_infinite(), place, "finite numbers", self._advice)
        rows = place.rows[~gaps.to_numpy()] if gaps.any() else place.rows
        self.num_gaps += len(values) - len(x)
        if len(x) == 0:
            return
        self.sketch.add(x)
        self.is_whole = self.is_whole and bool((x == np.round(x)).all())
        self._rounded.add(values, x)
        self._first = self._first if self.sketch.count > len(x) else x[0]
        self._are_days = self._are_days and may_be_days(x)
        if self.is_whole:
            offsets = x - rows
            self._offsets = min(self._offsets[0], offsets.min()), max(self._offsets[1], offsets.max())
            if self._all_different:  # by their text: float64 confuses some beyond 2^53
                self._all_different = (values.filter(~gaps) if gaps.any() else values).n_unique() == len(x)
        self._count(x)

    def _count(self, x: "np.ndarray") -> None:
        """Counts different values while they are few."""
        if self.few is None or len(np.unique(x[:1000])) > FEW_VALUES:  # a sample may avoid sorting all
            self.few = None
            return
        different, counts = np.unique(x, return_counts=True)
        for value, number in zip(different[: FEW_VALUES + 1].tolist(), counts.tolist(), strict=False):
            self.few[value] = self.few.get(value, 0) + number
        self.few = self.few if len(self.few) <= FEW_VALUES else None

    @property
    def is_text_wanted(self) -> bool:
        """Whether the numbers came as float64, and only their texts can tell whether that rounds some of them."""
        return self._rounded.is_text_wanted

    def add_as_written(self, texts: pl.Series) -> None:
        """Takes in how the numbers of the last block are written."""
        self._rounded.add(texts, present_array(numbers(texts, self.number_format)))

    def warn_of_codes(self) -> None:
        """Warns of numbers that the network would take for quantities: 00501, 20231231, or what float64 rounds."""
        if self._codes.are_some:
            warn_of_code(self.name, self._codes.first)
        elif self._rounded.first:
            kind = self.kind().kind
            if kind == "number" or (kind == "constant" and self._rounded.are_different):
                warn_of_rounded(self.name, self._rounded.first, kind)
        elif self._are_days and (self.few is None or len(self.few) >= FEWEST_DAYS) and self.kind().kind == "number":
            warn_of_days(self.name, self._first)

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the largest of the numbers."""
        return self.sketch.least, self.sketch.largest

    @property
    def counts(self) -> pl.DataFrame:
        """The different values and the rows that have each, while they are few."""
        few = self.few or {}
        values: list[float | None] = [*few, *([None] if self.num_gaps else [])]
        rows = [*few.values(), *([self.num_gaps] if self.num_gaps else [])]
        return pl.DataFrame({"value": pl.Series(values, dtype=pl.Float64), "rows": rows})

    def kind(self) -> ColumnKind:
        count, low, high = self.sketch.count, self.sketch.least, self.sketch.largest
        if count == 0:
            return ColumnKind(self.name, "empty", "no value at all")
        if not self.num_gaps and low == high:
            return ColumnKind(self.name, "constant", always(self._rounded.only or low))
        is_plain = not self.number_format.has_unit
        if is_plain and self.few is not None and set(self.few) in ({0.0, 1.0}, {-1.0, 1.0}):
            return ColumnKind(self.name, "yes/no", f"{low:g} and {high:g}", self.number_format)
        if count >= FEW and self.is_whole and (high - low >= count - 1 or high >= EXACT):
            low_offset, high_offset = self._offsets
            if low_offset == high_offset and low_offset in (-1.0, 0.0):  # its row's number, counted from 0 or from 1
                return ColumnKind(self.name, "identifier", "counts the rows")
            if self._all_different:
                return ColumnKind(self.name, "identifier", "all different, named so")
        return number_kind(self.name, low, high, self.number_format)

    def fitted(self, kind: ColumnKind) -> FittedColumn:
        if kind.kind == "yes/no":
            return LevelColumn.of_counts(kind, self.counts)
        return NumberColumn(self.name, self.number_format, self.num_gaps > 0)

    def scales(self, column: FittedColumn) -> Scales:
        if column.kind != "number":
            return scales_of_counts(column, self.counts)
        return [_of_sketch(self.sketch), *_of_gaps(self.sketch.count, self.num_gaps)]


@final
class DateSurvey(ColumnSurvey):
    """A column of dates."""

    def __init__(self, name: str, date_format: str) -> None:
        super().__init__(name)
        self._column = DateColumn(name, date_format, can_be_missing=True)
        self._sketches, self._num_gaps = [QuantileSketch() for _ in DateColumn.PARTS], 0

    def add(self, values: pl.Series, place: Place) -> None:
        wrong = dates(values, self._column.date_format).is_null() & ~missing(values)
        _refuse(values, wrong, place, "dates, written as elsewhere", f"fix it, or say --ignore {self.name}")
        *parts, gaps = self._column.raw(values, 1)
        self._num_gaps += int(gaps.sum())
        for sketch, part in zip(self._sketches, parts, strict=True):
            sketch.add(part[gaps == 0])

    def kind(self) -> ColumnKind:
        days, form = self._sketches[0], self._column.date_format
        if days.count == 0:
            return ColumnKind(self.name, "empty", "no value at all")
        if not self._num_gaps and days.least == days.largest:
            return ColumnKind(self.name, "constant", "always the same moment")
        return ColumnKind(
            self.name, "date", f"written {plainly(form)}" if form else "as the file has it", date_format=form
        )

    def fitted(self, kind: ColumnKind) -> FittedColumn:
        return DateColumn(self.name, self._column.date_format, self._num_gaps > 0)

    def scales(self, column: FittedColumn) -> Scales:
        return [*map(_of_sketch, self._sketches), *_of_gaps(self._sketches[0].count, self._num_gaps)]


@final
class LevelSurvey(ColumnSurvey):
    """A column of anything else: its distinct values are counted, unless they are too many."""

    def __init__(self, name: str, *, as_asked: bool, decimal: str = "") -> None:
        super().__init__(name)
        self._levels, self._as_asked, self._decimal = LevelCounts(name), as_asked, decimal

    def add(self, values: pl.Series, place: Place) -> None:
        self._levels.add(values, place.rows)

    def kind(self) -> ColumnKind:
        return self._levels.kind(as_asked=self._as_asked, decimal=self._decimal)

    def fitted(self, kind: ColumnKind) -> FittedColumn:
        return LevelColumn.of_counts(kind, self._levels.counts)

    def scales(self, column: FittedColumn) -> Scales:
        return scales_of_counts(column, self._levels.counts)


@final
class TableSurvey:
    """All columns of a table during a pass over its blocks, and the encoder at the end.

    `sample` are some rows from all over the table, by which a column of texts is taken for numbers, dates or levels;
    `decimal` says what stands before decimals, where its values do not tell.
    """

    def __init__(
        self,
        sample: pl.DataFrame,
        categorical: Collection[str] = (),
        ignore: Collection[str] = (),
        decimal: str = "",
    ) -> None:
        self._fixed: dict[str, ColumnKind] = {}
        self._surveys: dict[str, ColumnSurvey] = {}
        for name, dtype in sample.schema.items():
            if name in ignore:
                self._fixed[name] = ColumnKind(name, "ignored", "as asked")
            elif isinstance(dtype, UNUSABLE):
                self._fixed[name] = ColumnKind(name, "text", f"{dtype} in each row")
            else:
                self._surveys[name] = survey_of(sample[name], as_levels=name in categorical, decimal=decimal)
        self._names = tuple(sample.columns)

    @property
    def columns(self) -> list[str]:
        """The surveyed columns."""
        return list(self._surveys)

    def add(self, frame: pl.DataFrame, place: Place, rows: "np.ndarray | None" = None) -> None:
        """Takes the rows of one block in, or some of them; an `InputError` for a value names its file.

        One column at a time is copied, so that the block is not in memory twice.
        """
        for name, survey in self._surveys.items():
            survey.add(frame[name] if rows is None else frame[name][rows], place)

    @property
    def wanted_as_written(self) -> list[str]:
        """The columns of numbers of which the texts must be seen too, if they were texts in the file."""
        return [name for name, of in self._surveys.items() if isinstance(of, NumberSurvey) and of.is_text_wanted]

    def add_as_written(self, frame: pl.DataFrame) -> None:
        """Takes in how those of the last block are written."""
        for column in frame:
            survey = self._surveys[column.name]
            assert isinstance(survey, NumberSurvey), "only numbers are wanted as written"
            survey.add_as_written(column)

    def kinds(self) -> list[ColumnKind]:
        """The kind of each column, with a warning where that may be a mistake."""
        for survey in self._surveys.values():
            if isinstance(survey, NumberSurvey):
                survey.warn_of_codes()
        return [self._fixed.get(name) or self._surveys[name].kind() for name in self._names]

    def encoder(self, kinds: Sequence[ColumnKind], targets: TargetColumns) -> Encoder:
        """The encoder for the columns of these kinds; raises an `InputError` if none can be used."""
        used = [kind for kind in kinds if kind.is_used]
        columns = tuple(self._surveys[kind.name].fitted(kind) for kind in used)
        numeric = (column for column in columns if not column.num_codes)
        scales = [pair for column in numeric for pair in self._surveys[column.name].scales(column)]
        return Encoder.of_scales(columns, scales, kinds, targets)

    def pixels(self, categorical: Collection[str], targets: TargetColumns) -> tuple[list[ColumnKind], Encoder]:
        """The columns taken for pixels, and their encoder; raises an `InputError` that names one that is none."""
        numbers = {name: of for name, of in self._surveys.items() if isinstance(of, NumberSurvey) and not of.num_gaps}
        kinds = pixel_kinds(self.kinds(), categorical, lambda kind: kind.name in numbers)
        used = [kind for kind in kinds if kind.is_used]
        ends = [abs(end) for kind in used for end in numbers[kind.name].ends]
        return kinds, encoder_of_pixels(used, max(ends, default=0.0), targets)


def survey_of(sample: pl.Series, *, as_levels: bool = False, decimal: str = "") -> ColumnSurvey:
    """The survey for a column, judged by some of its values."""
    name, dtype = sample.name, sample.dtype
    if as_levels or dtype == pl.Boolean:
        return LevelSurvey(name, as_asked=as_levels)
    if dtype in (pl.Date, pl.Datetime):
        return DateSurvey(name, "")
    if dtype.is_numeric() or dtype.is_temporal():
        return NumberSurvey(name, PLAIN if dtype.is_numeric() else SECONDS)
    return _survey_of_texts(sample.cast(pl.String), decimal)


def _survey_of_texts(sample: pl.Series, decimal: str) -> ColumnSurvey:
    """The survey for a column of texts."""
    name, different = sample.name, sample.unique(maintain_order=True)
    levels = LevelSurvey(name, as_asked=False, decimal=decimal)
    if missing(different).all():
        return levels
    number_format = number_format_of(different, decimal)
    if number_format is not None:
        refuse_ambiguous(different, number_format, "column", decimal)
        return NumberSurvey(name, number_format)
    closest = closest_number_format(different, decimal)
    if _are_mostly_numbers(sample, closest):  # which it then says, of the first one that is none
        return NumberSurvey(name, closest)
    date_format = date_format_of(different)
    return levels if date_format is None else DateSurvey(name, date_format)


def _are_mostly_numbers(sample: pl.Series, number_format: NumberFormat) -> bool:
    """Whether nearly all texts are numbers, so that the others are mistakes."""
    present = sample.filter(~missing(sample))
    return len(present) >= 10 and 0 < numbers(present, number_format).null_count() <= (1 - MOSTLY) * len(present)


def _refuse(values: pl.Series, wrong: pl.Series, place: Place, expected: str, advice: str) -> None:
    """Raises an `InputError` for the first value that is wrong."""
    if wrong.any():
        at = wrong.arg_true()[0]
        raise InputError(
            f"column {values.name!r} of {place.file} must hold {expected}, got {shortened(values[at])} in row "
            f"{place.rows[at]:,}; {advice}."
        )


def scales_of_counts(column: FittedColumn, counts: pl.DataFrame) -> Scales:
    """Center and scale of each feature of a column of levels, exactly."""
    if column.num_codes or not column.features:
        return []
    raw, rows = column.raw(counts["value"].alias(column.name), 1), counts["rows"].to_numpy()
    return [
        center_and_scale_of(quantiles_of_counts(numbers, rows, *QUARTILES), numbers.min(), numbers.max())
        for numbers in raw
    ]


def _of_sketch(sketch: QuantileSketch) -> tuple[float, float]:
    return center_and_scale_of(sketch.quantiles(*QUARTILES), sketch.least, sketch.largest)


def _of_gaps(num_present: int, num_gaps: int) -> Scales:
    """Of the feature that says whether a value is missing, where one is."""
    if not num_gaps:
        return []
    counts = np.array([num_present, num_gaps])
    return [center_and_scale_of(quantiles_of_counts(np.array([0.0, 1.0]), counts, *QUARTILES), 0.0, 1.0)]
