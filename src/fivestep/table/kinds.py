"""The kind of each column of a table, and why."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, cast, final

import numpy as np
import polars as pl

from ..check import InputError, one_of, warn
from .advice import OF_FILE, Advice
from .dates import DATE_FORMATS, date_format_of, dates, may_be_days
from .rounded import EXACT, first_rounded, warn_of_rounded
from .values import (
    PLAIN,
    SECONDS,
    UNUSABLE,
    WITH_UNIT,
    NumberFormat,
    are_codes,
    closest_number_format,
    missing,
    number_format_of,
    numbers,
    present_array,
    texts,
)
from .words import in_line, in_list, listed, readable

Kind = Literal["number", "yes/no", "category", "date", "text", "identifier", "constant", "empty", "ignored"]

USED: tuple[Kind, ...] = ("number", "yes/no", "category", "date")
"""The kinds that a network is given; columns of the others are left out."""

FEW = 20
"""Rows below which distinct values do not mark a column as an identifier."""

FEWEST_DAYS = 10
"""Different numbers such as 20231231 from which it is no chance that all of them are days."""

MOSTLY = 0.9
"""The share of values above which a column counts as numbers with mistakes, or as identifiers."""

SOME = 100
"""The number of values whose units are examined."""

SIZES = frozenset({"", "K", "k", "M", "B"})
"""Units that mean thousands, millions and billions, as in 1.5K."""

PROSE = 60
"""The mean length in characters above which texts are prose."""


@final
@dataclass(frozen=True)
class ColumnKind:
    """A column's name, its kind, the format of its values if known, and the reason in words."""

    name: str
    kind: Kind
    detail: str = ""
    number_format: NumberFormat = PLAIN
    date_format: str = ""

    @property
    def is_used(self) -> bool:
        """Whether the network is given this column."""
        return self.kind in USED

    def moments(self, values: pl.Series) -> pl.Series:
        """The values of a column of dates or numbers as numbers that increase with time; null where one is neither."""
        if self.kind == "date":
            return dates(values, self.date_format).to_physical().cast(pl.Float64)
        return numbers(values, self.number_format)


def kinds_of(
    frame: pl.DataFrame,
    *,
    categorical: Collection[str] = (),
    ignore: Collection[str] = (),
    decimal: str = "",
    advice: Advice = OF_FILE,
) -> list[ColumnKind]:
    """One `ColumnKind` for each column. `categorical` and `ignore` overrule what would be found.

    `decimal` is what stands before the decimals of numbers in texts if the values, such as 1.234, do not tell; `advice`
    says where the frame is from.

    Raises an `InputError` for a name that is no column, and for a column of numbers with something else in it.
    """
    for argument, chosen in (("categorical", categorical), ("ignore", ignore)):
        for name in chosen:
            one_of(f"a column in {argument}", name, frame.columns)
    return [
        ColumnKind(name, "ignored", "as asked")
        if name in ignore
        else category(frame[name], "as asked")
        if name in categorical
        else kind_of(frame[name], decimal, advice)
        for name in frame.columns
    ]


def kind_of(values: pl.Series, decimal: str = "", advice: Advice = OF_FILE) -> ColumnKind:
    """The kind of one column."""
    if isinstance(values.dtype, UNUSABLE):
        return ColumnKind(values.name, "text", f"{values.dtype} in each row")
    gaps = missing(values)
    present = values.filter(~gaps)
    if len(present) == 0:
        return ColumnKind(values.name, "empty", "no value at all")
    if not gaps.any() and _is_constant(present):
        return ColumnKind(values.name, "constant", always(present[0]))
    return _kind_by_type(values, gaps, decimal, advice)


def always(value: object) -> str:
    """The value of a constant column as text; a whole number has no decimal point."""
    return f"always {shortened(texts(pl.Series([value]))[0])}"


def _is_constant(present: pl.Series) -> bool:
    """Whether all values are the same; for numbers by the two ends, which is ten times faster than by counting."""
    if present.dtype.is_numeric() or present.dtype.is_temporal():
        return present.min() == present.max()
    return present.n_unique() == 1


def _kind_by_type(values: pl.Series, gaps: pl.Series, decimal: str, advice: Advice) -> ColumnKind:
    """What a column with two values or more is taken for."""
    if values.dtype == pl.Boolean:
        return category(values)
    if values.dtype in (pl.Date, pl.Datetime):
        return ColumnKind(values.name, "date", "as the file has it")
    if values.dtype.is_numeric() or values.dtype.is_temporal():
        return _number(values.filter(~gaps), PLAIN if values.dtype.is_numeric() else SECONDS, advice)
    return _kind_of_text(values.cast(pl.String), gaps, decimal, advice)


def _kind_of_text(values: pl.Series, gaps: pl.Series, decimal: str, advice: Advice) -> ColumnKind:
    """What a column of texts is taken for."""
    text = values.filter(~gaps)
    different = text.unique(maintain_order=True)
    number_format = number_format_of(different, decimal)
    if number_format is not None:
        refuse_ambiguous(different, number_format, "column", decimal, advice)
        warn_of_codes(different, advice)
        return _number(text, number_format, advice)
    else_ = "count it as missing, make the column categorical, or ignore it"
    refuse_mostly_numbers(values, gaps, "column", else_, decimal)
    date_format = date_format_of(different)
    if date_format is not None:
        return ColumnKind(values.name, "date", f"written {plainly(date_format)}", date_format=date_format)
    kind = _kind_of_words(text, different)
    warn_of_words(kind, different, decimal, advice)
    return kind


def _kind_of_words(text: pl.Series, different: pl.Series) -> ColumnKind:
    """What a column of texts that are neither numbers nor dates is taken for."""
    name, num_different, length = text.name, len(different), text.str.len_chars().mean()
    assert isinstance(length, float)
    if len(text) >= FEW and num_different > MOSTLY * len(text):
        if length > PROSE or text.str.contains(" ").mean() > 0.5:  # type: ignore[operator]  # a mean of booleans
            return ColumnKind(name, "text", f"{num_different:,} different texts")
        return ColumnKind(name, "identifier", f"{num_different:,} different values in {len(text):,} rows")
    if length > PROSE and num_different > len(text) / 2:
        return ColumnKind(name, "text", f"{num_different:,} different texts")
    return category(text)


def _number(present: pl.Series, number_format: NumberFormat, advice: Advice) -> ColumnKind:
    """The kind of a column of numbers: 0 and 1 are binary, a count of the rows is an identifier."""
    name, found = present.name, numbers(present, number_format)
    low, high = cast("tuple[float, float]", (found.min(), found.max()))
    written = present_array(found)
    is_whole = bool((written == written.round()).all())
    is_plain = not number_format.has_unit
    if (low, high) in ((0, 1), (-1, 1)) and is_whole and is_plain and found.n_unique() == 2:
        return ColumnKind(name, "yes/no", f"{low:g} and {high:g}", number_format)
    may_differ = high - low >= len(found) - 1 or high >= EXACT  # beyond that, float64 confuses some
    if len(found) >= FEW and is_whole and may_differ and present.n_unique() == len(present):
        counts_rows = low in (0, 1) and high - low == len(found) - 1
        if counts_rows or is_named_identifier(name):
            return ColumnKind(name, "identifier", "counts the rows" if counts_rows else "all different, named so")
    first = first_rounded(present) if max(-low, high) >= EXACT else ""
    if first:
        warn_of_rounded(name, first, advice=advice)
    if is_plain and may_be_days(written) and found.n_unique() >= FEWEST_DAYS:
        warn_of_days(name, written[0], advice)
    return number_kind(name, low, high, number_format)


def number_kind(name: str, low: float, high: float, number_format: NumberFormat) -> ColumnKind:
    """The kind of a column of numbers within a range."""
    detail = f"{readable(low, 6)} to {readable(high, 6)}"
    return ColumnKind(
        name, "number", detail + ("" if number_format == PLAIN else f", as {number_format}"), number_format
    )


def is_named_identifier(name: str) -> bool:
    """Whether a column has the name of an identifier."""
    return bool(re.search(r"(?i)(^|[_\W])(id|key|uuid|guid|index|rownames?|number|no)$|^id([_\W]|$)", name))


def category(values: pl.Series, detail: str = "") -> ColumnKind:
    """The kind of a category, which is binary if it has two levels."""
    levels = texts(values.unique()).drop_nulls().unique().sort()
    shown = ", ".join(map(in_list, levels.head(4))) + (", ..." if len(levels) > 4 else "")
    said = f"{shown}" if len(levels) <= 2 else f"{len(levels):,} levels: {shown}"
    return ColumnKind(
        values.name, "yes/no" if len(levels) == 2 else "category", ", ".join(filter(None, [detail, said]))
    )


def refuse_ambiguous(
    values: pl.Series, number_format: NumberFormat, what: str, decimal: str = "", advice: Advice = OF_FILE
) -> None:
    """Raises an `InputError` for amounts such as "1.234 €", where nothing tells whether that is 1234.

    `what` is what the values are of, a column or a target; `decimal` says what stands before decimals.
    """
    if decimal or not number_format.is_money or number_format.thousands or number_format.decimal != ".":
        return
    text = values.str.strip_chars()
    pointed = text.filter(text.str.contains(".", literal=True))
    if len(pointed) and pointed.str.contains(r"^\D*[1-9]\d{0,2}\.\d{3}(?:\D.*)?$").all():
        found = numbers(pointed.head(1), number_format)[0]
        raise InputError(
            f"{what} {values.name!r} must show what its point stands for, got {shortened(pointed[0])} and no amount "
            f"that does; {advice.for_point(found)}."
        )


def warn_of_codes(different: pl.Series, advice: Advice) -> None:
    """Warns of numbers such as 00501, which the network would take for quantities."""
    if are_codes(different):
        warn_of_code(different.name, different[0], advice)


def warn_of_code(name: str, first: str, advice: Advice = OF_FILE) -> None:
    """The same of a column of which the first value is known."""
    warn(
        f"column {name!r} holds {shortened(first)} and the like, and is taken for number; if these are codes, "
        f"{advice.if_codes(name)}."
    )


def warn_of_days(name: str, first: float, advice: Advice = OF_FILE) -> None:
    """Warns of a column of numbers such as 20231231, which are as far apart as no dates are."""
    day = f"{first:.0f}"
    warn(
        f"column {name!r} holds {day!r} and the like, which may be dates, and is taken for number; "
        f"{advice.if_dates(name, day)}."
    )


def warn_of_words(kind: ColumnKind, different: pl.Series, decimal: str = "", advice: Advice = OF_FILE) -> None:
    """Warns where the different texts of a column are no numbers and no dates, but nearly."""
    warn_of_units(kind, different)
    warn_of_likely_gaps(kind, different, decimal, advice)
    warn_of_dates(kind, different)
    if kind.is_used:
        warn_of_cases(f"column {kind.name!r}", different)


def warn_of_cases(what: str, different: pl.Series) -> None:
    """Warns of levels that are the same but for capital letters: "yes" and "Yes". What has levels is `what`."""
    levels = texts(different).drop_nulls().unique().sort()
    lower = levels.str.to_lowercase()
    alike = levels.filter(lower.is_duplicated())
    if len(alike) == 0:
        return
    first = alike.filter(alike.str.to_lowercase() == alike[0].lower()).to_list()
    others = f", and {len(alike) - len(first):,} others like them" if len(alike) > len(first) else ""
    warn(
        f"{what} holds {listed([in_line(level) for level in first])}{others}, which differ in capital letters alone, "
        f"and each is a level of its own; write them in one way if they mean the same."
    )


def warn_of_dates(kind: ColumnKind, different: pl.Series) -> None:
    """Warns where the different texts of a column are dates that are written in two ways or more."""
    some = different.filter(~missing(different)).head(SOME)
    if len(some) < FEW / 2 or not some.str.contains(r"\d").all():
        return
    read = np.stack([dates(some, form).is_not_null().to_numpy() for form in DATE_FORMATS])  # (formats, texts)
    if read.any(0).all() and not read.all(1).any():
        first = read[read.sum(1).argmax()]
        shown = listed([some[int(first.argmax())], some[int(first.argmin())]])
        warn(
            f"column {kind.name!r} holds dates in several ways, {shown}, and is taken for {kind.kind}; write them in "
            f"one way to make it dates."
        )


def warn_of_units(kind: ColumnKind, different: pl.Series) -> None:
    """Warns where the different texts of a column are numbers in two units or three."""
    shown = units_in(different)
    if shown:
        warn(
            f"column {kind.name!r} holds numbers in several units, {shown}, and is taken for {kind.kind}; bring them "
            f"to one unit to make it numbers."
        )


def units_in(different: pl.Series) -> str:
    """The two or three units of numbers in different texts, in words; empty where they are something else."""
    found = [WITH_UNIT.fullmatch(text.strip()) for text in different.head(SOME)]
    units = {((one["before"] or "") + (one["after"] or "")).strip() for one in found if one}
    is_of_units = all(found) and 2 <= len(units) <= 3 and len(different) >= FEW / 2
    is_of_houses = any(re.fullmatch("[A-Z]", unit) for unit in units) and not units <= SIZES  # 12A
    if not is_of_units or is_of_houses:
        return ""
    return " and ".join(sorted(repr(unit) if unit else "none" for unit in units))


def warn_of_likely_gaps(kind: ColumnKind, different: pl.Series, decimal: str, advice: Advice) -> None:
    """Warns where the different texts of a column are numbers, but for one or two that may stand for no value."""
    found = numbers(different, closest_number_format(different, decimal))
    others = different.filter(found.is_null()).to_list()
    if 1 <= len(others) <= 2 and len(different) - len(others) >= FEW / 2:
        shown = listed([in_line(text) for text in others])
        warn(
            f"column {kind.name!r} holds numbers and {shown}, and is taken for {kind.kind}; if that is no value, "
            f"{advice.if_gap(others[0])}."
        )


def refuse_mostly_numbers(values: pl.Series, gaps: pl.Series, what: str, else_: str, decimal: str = "") -> None:
    """Raises an `InputError` where nearly all values are numbers, but not all, and names the first one that is not.

    `what` is what the values are of, a column or a target, and `else_` what may be done but to fix the value.
    """
    wrong = numbers(values, closest_number_format(values, decimal)).is_null() & ~gaps
    num_present, num_wrong = len(values) - int(gaps.sum()), int(wrong.sum())
    if num_present < 10 or not 0 < num_wrong <= (1 - MOSTLY) * num_present:
        return
    row = wrong.arg_true()[0]
    raise InputError(
        f"{what} {values.name!r} must hold numbers, as {num_present - num_wrong:,} of its {num_present:,} values are, "
        f"got {shortened(values[row])} in row {row + 1:,}; {correction(values[row], row + 1, num_wrong)}, {else_}."
    )


def correction(wrong: str, row: int, num_wrong: int) -> str:
    """The advice about the first value in a column of numbers that is not one."""
    found = WITH_UNIT.fullmatch(wrong.strip())
    if found and (found["before"] or found["after"]):
        return "bring it to the unit of the others"
    return "remove the row if it tells units, fix the value" if row == num_wrong == 1 and not found else "fix it"


def shortened(value: object) -> str:
    """A value as it stands in a sentence: quoted, and cut where it is long."""
    text = str(value)
    return repr(text if len(text) <= 40 else text[:37] + "...")


def plainly(date_format: str) -> str:
    """A date format as people write it: "YYYY-MM-DD"."""
    plain = {
        "%Y": "YYYY",
        "%y": "YY",
        "%m": "MM",
        "%d": "DD",
        "%H": "hh",
        "%I": "hh",
        "%p": "AM",
        "%M": "mm",
        "%S%.f": "ss",
        "%S": "ss",
        "%b": "Mon",
        "%B": "Month",
    }
    for code, letters in {**plain, "%#z": "+zone"}.items():
        date_format = date_format.replace(code, letters)
    return date_format


def check_different(names: Sequence[str], where: str) -> None:
    """Raises an `InputError` if two columns have the same name."""
    first: dict[str, int] = {}
    for place, name in enumerate(names, 1):
        if first.setdefault(name, place) != place:
            raise InputError(
                f"the columns of {where} must have different names, got {name!r} as columns {first[name]} and {place}; "
                f"rename one."
            )
