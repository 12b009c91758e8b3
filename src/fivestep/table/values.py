"""How the values of one column are read: missing values, numbers, levels of a category.

Each value is read by itself, so its result never depends on other rows.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import polars as pl

MISSING = (
    *("", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "null", "None", "?", "NaT", "-nan", "-NaN"),
    *("#NA", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"),
)
"""What stands for a missing value in a text, beside nothing at all; the last ones are errors of spreadsheets."""

UNUSABLE = (pl.List, pl.Array, pl.Struct, pl.Object, pl.Binary)
"""Types of columns without a single value in each row."""

TELLING = 10_000
"""The number of values from which the decimal mark is determined."""


Format = TypeVar("Format")
Texts = TypeVar("Texts", pl.Series, pl.Expr)


class NumberFormat(NamedTuple):
    """A format of numbers: the thousands separator, the decimal mark, and the unit before and after the number."""

    thousands: str
    decimal: str
    before: str = ""
    after: str = ""

    def __str__(self) -> str:
        return f"{self.before}1{self.thousands[:1]}234{self.decimal}5{self.after}"

    @property
    def has_unit(self) -> bool:
        """Whether the number has a unit."""
        return bool(self.before or self.after)

    @property
    def is_money(self) -> bool:
        """Whether the unit is a currency, so that a number without it means the same."""
        return _is_currency(self.before) or _is_currency(self.after)

    @property
    def pattern(self) -> str:
        """A regular expression for one number, with or without the separators between thousands."""
        groups = rf"|[1-9]\d{{0,2}}(?:[{self.thousands}]\d{{3}})+" if self.thousands else ""
        return rf"^[+-]?(?:(?:\d+{groups})(?:[{self.decimal}]\d*)?|[{self.decimal}]\d+)(?:[eE][+-]?\d+)?$"

    def without_unit(self, text: pl.Series) -> pl.Series:
        """The numbers alone, with their signs; null where a unit is not there that is no currency."""
        before, after = (
            f"(?:{pl.escape_regex(part.strip())})" + "?" * _is_currency(part) for part in (self.before, self.after)
        )
        pattern = rf"^([+-]?)\s*{before}\s*(.*?)\s*{after}$"
        return text.str.extract(pattern, 1) + text.str.extract(pattern, 2)


PLAIN = NumberFormat("", ".")
SECONDS = NumberFormat("", ".", after=" s")
"""How a duration and a time of day are read, whatever they are stored in."""

TICKS = {"ms": 1e3, "us": 1e6, "ns": 1e9}
"""How many of the units a duration may be stored in make a second; a time of day has nanoseconds."""

NUMBER_FORMATS = (
    PLAIN,
    *(NumberFormat(",", "."), NumberFormat("", ","), NumberFormat(".", ",")),
    *(NumberFormat(" \u00a0\u202f", ","), NumberFormat(" \u00a0\u202f", "."), NumberFormat("'\u2019", ".")),
)
"""The formats that are known, in the order in which they are tried: "1,234" is a thousand before it is 1.234."""

CURRENCIES = (
    r"[A-Z]{0,3}[$€£¥₹₩₽₺₪₴฿]|Rs\.?|Fr\.|kr\.?|(?:AUD|BRL|CAD|CHF|CNY|CZK|DKK|EUR|GBP|HKD|HUF|ILS|INR|JPY|KRW|MXN|NOK"
    r"|NZD|PLN|RON|RUB|SEK|SGD|THB|TRY|USD|ZAR)"
)
"""What may stand before a number. No other words: in C000123 the C is a part of a name."""

UNIT = r"[^\s\d.,;:+\-_#@()\[\]][^\s\d,;:+\-_#@()\[\]]{0,11}[23]?(?: [^\W\d_]{1,12})?"
"""What may stand after it, if it is the same in every row: %, €, km/h, m2, sq ft."""

WITH_UNIT = re.compile(
    rf"[+\u2212-]?(?P<before>(?:{CURRENCIES})\s?)?[+\u2212-]?"
    rf"[.,]?\d(?:[\d.,'\u2019\u00a0\u202f ]*\d)?[.,]?(?P<after>\s?{UNIT})?"
)

NUMBER_BEGINS = re.compile(rf"\W*(?:{CURRENCIES})?\W*\d|\W*inf", re.IGNORECASE)
"""How a text begins that may be a number in some format."""

DIGITS = re.compile(r"\d{3,}")

NEGATIVE = r"^([^\d()+-]*)\(([^()+-]*\d[^()+-]*)\)([^\d()+-]*)$"
"""How accountants write -5: (5), $(5) or (5 %)."""

DASH = r"(\d[.,])[-\u2013\u2014]{1,2}(\D*)$"
"""What stands in prices for no cents: 30,- is 30,0, which tells as well what stands before decimals."""

MINUS_BEHIND = r"^(\D*)(\d[\d.,'\u2019\u00a0\u202f ]*[.,]\d+)-(\D*)$"
"""How programs for accountants write -1.50: 1.50-. Where there are no decimals, 2- may be a mark."""

NUMBER_ALONE = r"^[-\u2212+.,'\u2019\s\d]*(?:[eE][-+]?\d+)?\s*$"
"""A text without a unit, whether a number or not."""


def _is_currency(unit: str) -> bool:
    return bool(re.fullmatch(rf"\s?(?:{CURRENCIES})\s?", unit))


def texts(values: pl.Series) -> pl.Series:
    """The values as texts without blanks around them, null where they are missing.

    A whole number is the same text whatever type or file it comes from (1, 1.0 and "1.0" are "1"), and so is true.
    """
    if values.dtype.is_float():
        whole = values.is_finite() & (values == values.round()) & (values.abs() < 2**53)
        numbers = pl.DataFrame({"v": values.fill_nan(None), "whole": whole})
        as_whole = pl.col("v").cast(pl.Int64, strict=False).cast(pl.String)
        return numbers.select(pl.when("whole").then(as_whole).otherwise(pl.col("v").cast(pl.String)))["v"].alias(
            values.name
        )
    if values.dtype == pl.Null:
        return values.cast(pl.String)
    if values.dtype == pl.Duration:  # which polars makes no text of
        return texts(_seconds(values))
    text = values.cast(pl.String)
    if values.dtype == pl.String:
        text = text.str.strip_chars()
        text = text.str.replace(r"^([+-]?\d+)\.0+$", "${1}").str.replace(r"^(?i)(true)$", "true")
        text = text.str.replace(r"^(?i)(false)$", "false")
    return text.set(text.is_in(MISSING), None)


def numbers(values: pl.Series, number_format: NumberFormat) -> pl.Series:
    """The values as Float64; null where one is missing or is no number (`missing` tells these apart)."""
    if values.dtype == pl.String:
        found = _plainly_numbers(values) if number_format == PLAIN else _numbers_written(values, number_format)
    elif number_format == SECONDS and values.dtype in (pl.Duration, pl.Time):
        found = _seconds(values)
    elif values.dtype.is_temporal():
        found = values.to_physical().cast(pl.Float64)
    elif values.dtype.is_numeric() or values.dtype in (pl.Boolean, pl.Null):
        found = values.cast(pl.Float64, strict=False)
    else:
        return numbers(values.cast(pl.String), number_format)
    return _without_nan(found)


def _seconds(values: pl.Series) -> pl.Series:
    unit = values.dtype.time_unit if isinstance(values.dtype, pl.Duration) else None
    ticks = values.to_physical().cast(pl.Float64).to_numpy()
    return pl.Series(values.name, ticks / TICKS[unit or "ns"], nan_to_null=True)  # polars' quotient is an ulp off


def _plainly_numbers(values: pl.Series) -> pl.Series:
    """Texts as numbers in the plain format; signs are looked for where there is no number without, which is rare."""
    text = values.str.strip_chars()
    found = text.cast(pl.Float64, strict=False)
    others = (found.is_null() & text.is_not_null()).arg_true()
    return found.scatter(others, _signed(text[others]).cast(pl.Float64, strict=False)) if len(others) else found


def _numbers_written(values: pl.Series, number_format: NumberFormat) -> pl.Series:
    """Texts as numbers in another format."""
    text = _signed(values)
    if number_format.has_unit:
        text = number_format.without_unit(text)
    text = text.set(~text.str.contains(number_format.pattern), None)
    if number_format.thousands:
        text = text.str.replace_all(f"[{number_format.thousands}]", "")
    text = text.str.replace(number_format.decimal, ".", literal=True)
    return text.cast(pl.Float64, strict=False)


def present_array(values: pl.Series) -> "np.ndarray":
    """The numbers that are not null, without a copy where there are no nulls and they lie in one piece.

    What NumPy does takes a microsecond where a method of polars that is an expression takes thirty or a hundred, and
    waits for threads: of 20,000 columns that is what counts.
    """
    return (values.drop_nulls() if values.null_count() else values).to_numpy()


def _without_nan(found: pl.Series) -> pl.Series:
    return found.fill_nan(None) if np.isnan(present_array(found)).any() else found


def _signed(text: pl.Series) -> pl.Series:
    """Texts with a minus in front of what is negative, also where typesetters or accountants write it otherwise."""
    text = text.str.strip_chars().str.replace("\u2212", "-", literal=True).str.replace(DASH, "${1}0${2}")
    return text.str.replace(MINUS_BEHIND, "-${1}${2}${3}").str.replace(NEGATIVE, "-${1}${2}${3}")


def plain_numbers(text: Texts) -> Texts:
    """Texts in the plain number format of a file reader as numbers; null for all other texts."""
    return text.str.strip_chars().cast(pl.Float64, strict=False).fill_nan(None)


def missing_text(text: Texts) -> Texts:
    """Whether a text is null, or stands for a missing value."""
    stripped = text.str.strip_chars()
    return stripped.is_null() | stripped.is_in(MISSING)


def missing(values: pl.Series) -> pl.Series:
    """Whether a value is missing: null, not a number, or a text that stands for it."""
    if values.dtype == pl.String:
        return values.to_frame().select(missing_text(pl.all())).to_series()
    if values.null_count():
        return values.is_null() | values.is_nan() if values.dtype.is_float() else values.is_null()
    is_nan = np.isnan(values.to_numpy()) if values.dtype.is_float() else np.zeros(len(values), dtype=bool)
    return pl.Series(values.name, is_nan)


def with_gaps(frame: pl.DataFrame, tokens: Sequence[str]) -> pl.DataFrame:
    """The frame with null for values among the `tokens`: "unknown", or -999, also as a number."""
    told = {column.name: _is_one_of(column, tokens) for column in frame if tokens}
    changed = [frame[name].set(is_gap, None) for name, is_gap in told.items() if is_gap.any()]
    return frame.with_columns(changed)


def found_nowhere(frame: pl.DataFrame, tokens: Sequence[str]) -> list[str]:
    """Those of the `tokens` that no value of the frame is, and that are not missing anyway."""
    return [
        token
        for token in tokens
        if token.strip() not in MISSING and not any(_is_one_of(column, [token]).any() for column in frame)
    ]


def _is_one_of(values: pl.Series, tokens: Sequence[str]) -> pl.Series:
    """Whether a value is one of them as it is written, or the same number: -999.00 is -999, also among texts."""
    found = pl.Series([False] * len(values), dtype=pl.Boolean)
    if values.dtype in UNUSABLE:
        return found
    if values.dtype == pl.Duration:
        values = _seconds(values)
    if not values.dtype.is_numeric():
        values = values.cast(pl.String).str.strip_chars()
        found = values.is_in(list(tokens))
    wanted = numbers(pl.Series(list(tokens), dtype=pl.String), PLAIN).drop_nulls()
    if values.dtype == pl.Float32:
        wanted = wanted.cast(pl.Float32).cast(pl.Float64)  # 99.9 as such a column holds it
    found |= numbers(values, PLAIN).is_in(wanted.implode())
    return found.fill_null(value=False)


def number_format_of(values: pl.Series, decimal: str = "") -> NumberFormat | None:
    """The first format in which every value that is not missing is a number, or None.

    `decimal` is what stands before the decimals if the values, such as 1.234, do not tell. Brackets around all of them
    are no signs: (1) and (2) are names.
    """
    if values.dtype in (pl.Duration, pl.Time):
        return SECONDS
    present = values.filter(~missing(values))
    is_text = present.dtype == pl.String and len(present) > 0
    if is_text and not NUMBER_BEGINS.match(present[0]):
        return None
    if is_text and present.str.strip_chars().str.starts_with("(").all():
        return None
    return first_without_null(values, _formats_like(present, decimal), numbers)


def closest_number_format(values: pl.Series, decimal: str = "") -> NumberFormat:
    """The format in which the most of the first values are numbers."""
    head = values.filter(~missing(values)).head(100)
    if not any(NUMBER_BEGINS.match(text) for text in head.cast(pl.String)):
        return next(_formats_like(head, decimal))
    looked_at = [head, *(head[k : k + 1] for k in range(min(5, len(head))))]
    known = dict.fromkeys(form for some in looked_at for form in _formats_like(some, decimal))
    return min(known, key=lambda form: numbers(head, form).null_count())


def are_codes(values: pl.Series) -> bool:
    """Whether texts are digits alone, three or more and as many in each, some with a 0 in front: 00501, 98101."""
    return bool(values.str.contains(r"^\s*0").any()) and may_be_codes(values)


def may_be_codes(values: pl.Series) -> bool:
    """The same, but the first 0 in front may still come."""
    first = str(values.first(ignore_nulls=True) or "").strip()
    if first not in MISSING and not DIGITS.fullmatch(first):
        return False  # before all values are looked at
    return digits_alike(values.filter(~missing(values)))


def digits_alike(present: pl.Series) -> bool:
    """Whether texts, none of them missing, are digits alone, three or more and as many in each."""
    if not len(present) or not DIGITS.fullmatch(present[0].strip()):  # checking one value often avoids the others
        return False
    text = present.str.strip_chars()
    return bool(text.str.contains(r"^\d{3,}$").all()) and text.str.len_chars().n_unique() == 1


def has_decimal_comma(frame: pl.DataFrame) -> bool:
    """Whether numbers of some column can only be read with a comma before decimals, and those of none with a point."""
    told = {_decimal_in(column) for column in frame.head(TELLING)}
    return "," in told and "." not in told


def _decimal_in(values: pl.Series) -> str:
    """What stands before the decimals of a column, if its numbers tell."""
    if values.dtype.is_float():
        return "." if len(_with_decimals(values)) and not may_be_thousands(values) else ""
    if values.dtype != pl.String:
        return ""
    comma, point = number_format_of(values, ","), number_format_of(values, ".")
    return comma.decimal if comma and point and comma.decimal == point.decimal else ""


def thousands(frame: pl.DataFrame) -> list[str]:
    """The columns of numbers that may be thousands where a comma stands before decimals: 1.234, or 1.000."""
    numbers = [column for column in frame if column.dtype == pl.Float64]
    return [column.name for column in numbers if may_be_thousands(column) or are_whole(column)]


def may_be_thousands(values: pl.Series) -> bool:
    """Whether some numbers have decimals, and all of these three, as 1.234 has, which may have been a thousand."""
    size = np.abs(_with_decimals(values))
    thousandths = size * 1000
    return bool(len(size) and ((size >= 1) & (size < 1000) & (np.abs(thousandths - thousandths.round()) < 1e-6)).all())


def are_whole(values: pl.Series) -> bool:
    """Whether none of the numbers has decimals."""
    return not len(_with_decimals(values))


def _with_decimals(values: pl.Series) -> "np.ndarray":
    """The numbers that are not whole."""
    found = present_array(values)
    decimals: np.ndarray = found[(found != found.round()) & ~np.isnan(found)]
    return decimals


def _formats_like(present: pl.Series, decimal: str) -> Iterator[NumberFormat]:
    """The formats of numbers alone, and those with the unit that stands beside the first value with something else."""
    alone = sorted(NUMBER_FORMATS, key=lambda form: decimal not in ("", form.decimal))
    yield from alone
    if present.dtype != pl.String:
        return
    text = _signed(present)
    first = text.filter(~text.str.contains(NUMBER_ALONE)).head(1)
    found = WITH_UNIT.fullmatch(first[0]) if len(first) else None
    if found:
        beside = {name: found[name] or "" for name in ("before", "after")}
        yield from (form._replace(**beside) for form in alone)


def first_without_null(
    values: pl.Series, formats: Iterable[Format], read: Callable[[pl.Series, Format], pl.Series]
) -> Format | None:
    """The first format in which every value that is not missing can be read, or None."""
    present = values.filter(~missing(values))
    head = present.head(100)  # checking a few values often avoids the others
    fits = (known for known in formats if read(head, known).null_count() == 0)
    return next((known for known in fits if read(present, known).null_count() == 0), None)
