"""How dates are read: each value by itself, in one of many formats."""

import re

import numpy as np
import polars as pl

from .values import first_without_null, missing

TIMES_OF_DAY = ("%H:%M", "%H:%M:%S%.f", "%I:%M %p")
TWO_DIGITS = r"^\d{1,2}:\d{2}\b"
"""The beginning of a time: 16:9 and 3:1 are not times."""

MONTHS = ("%Y-%m", "%Y/%m", "%m/%Y", "%b %Y", "%b-%Y", "%B %Y")
"""How a month may be written."""

YEAR = r"\b(?:1[89]|2[01])\d\d\b"
"""A year beside a month alone: 1234-05 may be a part number."""

DATE_FORMATS = (
    *("%Y-%m-%d", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"),
    *("%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z", "%Y/%m/%d", "%Y/%m/%d %H:%M:%S"),
    *("%m/%d/%Y", "%d/%m/%Y", "%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S"),
    *("%m/%d/%Y %I:%M %p", "%d/%m/%Y %I:%M %p", "%m/%d/%Y %I:%M:%S %p", "%d/%m/%Y %I:%M:%S %p"),
    *("%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d-%b-%Y", "%d %b %Y", "%b %d, %Y"),
    *("%d %B %Y", "%B %d, %Y", *TIMES_OF_DAY),
    *("%m/%d/%y", "%d/%m/%y", "%m/%d/%y %H:%M", "%d/%m/%y %H:%M", "%m/%d/%y %I:%M %p", "%d/%m/%y %I:%M %p"),
    *("%d.%m.%y", "%d.%m.%y %H:%M", "%d-%b-%y"),
    *MONTHS,
)
"""How a date may be written; of two that fit every row, the earlier one counts (months before days between slashes).

A time without a date is one of the first day of 1970, and a month is its first day.
"""

YEAR_FIRST = tuple(known for known in DATE_FORMATS if known.startswith(("%Y-%m-%d", "%Y/%m/%d")))
"""Those in which no day can be taken for a month, so that each value may have its own."""

OFFSET = r"\s*(?:[Zz]|[+\u2212-][\d: ]+)$"
"""The end of a moment with a time zone: Z, +01:00."""

FIRST_YEAR = 1000
"""Of four digits: below it, a year was written with two."""

FIRST_DAY, LAST_DAY = 18000101, 21991231
"""Between which a number may be a day."""

MAY_BE_DATE = re.compile(r"(?=.*[-/.: ])(?:.*?\d){3}", re.DOTALL)
"""What every date and every time has: three digits, and something between them."""


def may_be_days(x: "np.ndarray") -> bool:
    """Whether all numbers are days as 20231231 is one."""
    if not len(x) or x.min() < FIRST_DAY or x.max() > LAST_DAY:  # which of most columns tells enough
        return False
    month, day = x // 100 % 100, x % 100
    return bool(((month >= 1) & (month <= 12) & (day >= 1) & (day <= 31) & (day == np.round(day))).all())


def dates(values: pl.Series, date_format: str) -> pl.Series:
    """The values as datetimes without a time zone; null where one is missing or is not a date.

    In a format with an offset, texts and columns with a zone become UTC. Without a format, as for a column of dates
    that never were texts, texts are dates where they have the year first, and the time is that of the clock where they
    are from, as in a column with a zone.
    """
    if values.dtype == pl.String:
        return _with_format(values, date_format) if date_format else _with_year_first(values)
    if values.dtype == pl.Date:
        return values.cast(pl.Datetime("us"))
    if values.dtype == pl.Datetime:
        moments, has_zone = values.dt.cast_time_unit("us"), getattr(values.dtype, "time_zone", None) is not None
        in_format = moments.dt.convert_time_zone("UTC") if has_zone and date_format.endswith("z") else moments
        return in_format.dt.replace_time_zone(None)
    return pl.Series(values.name, [None] * len(values), dtype=pl.Datetime("us"))


def _with_format(values: pl.Series, date_format: str) -> pl.Series:
    """Texts as datetimes; null where one is not written in this format."""
    zone = "UTC" if date_format.endswith("z") else None
    text = values.str.strip_chars()
    if date_format in TIMES_OF_DAY:
        text = text.set(~text.str.contains(TWO_DIGITS), None)
        text, date_format = "1970-01-01 " + text, f"%Y-%m-%d {date_format}"
    if date_format in MONTHS:
        text = text.set(~text.str.contains(YEAR), None)
        text, date_format = "1 " + text, f"%d {date_format}"
    found = text.str.to_datetime(date_format, strict=False, time_unit="us", time_zone=zone)
    return found.dt.replace_time_zone(None).set((found.dt.year() < FIRST_YEAR).fill_null(value=False), None)


def _with_year_first(values: pl.Series) -> pl.Series:
    """Texts as datetimes, each in the first format with the year first that fits it, and without its offset."""
    found = pl.Series(values.name, [None] * len(values), dtype=pl.Datetime("us"))
    for known in YEAR_FIRST:
        others = (found.is_null() & ~missing(values)).arg_true()
        if not len(others):
            break
        text = values[others]
        moments = _with_format(text, known)
        if known.endswith("z") and moments.null_count() < len(moments):
            on_clock = _with_format(text.str.strip_chars().str.replace(OFFSET, ""), known.removesuffix("%#z"))
            moments = on_clock.set(moments.is_null(), None)
        found = found.scatter(others, moments)
    return found


def date_format_of(values: pl.Series) -> str | None:
    """The first format in which every value that is not missing is a date, or None."""
    if values.dtype == pl.String:
        present = values.filter(~missing(values))
        if len(present) and not MAY_BE_DATE.match(present[0]):
            return None
    return first_without_null(values, DATE_FORMATS, dates)
