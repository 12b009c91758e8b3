"""Values of a column: each is read by itself."""

import datetime

import polars as pl
import pytest

from fivestep.table.dates import DATE_FORMATS, date_format_of, dates
from fivestep.table.values import (
    PLAIN,
    SECONDS,
    closest_number_format,
    has_decimal_comma,
    may_be_codes,
    may_be_thousands,
    missing,
    number_format_of,
    numbers,
    texts,
    with_gaps,
)


@pytest.mark.parametrize(
    "values",
    [
        pl.Series("v", [datetime.timedelta(minutes=1, milliseconds=500), None]),
        pl.Series("v", [datetime.timedelta(minutes=1, milliseconds=500), None], dtype=pl.Duration("ms")),
    ],
)
def test_a_duration_is_a_text_a_number_and_a_gap_in_seconds(values: pl.Series) -> None:
    assert texts(values).to_list() == ["60.5", None]
    assert numbers(values, SECONDS).to_list() == [60.5, None]
    assert with_gaps(values.to_frame(), ["60.5"])["v"].to_list() == [None, None]


def test_a_time_of_day_that_the_file_has_is_read_in_seconds() -> None:
    values = pl.Series("v", [datetime.time(0, 1, 30), datetime.time(10), None])
    assert number_format_of(values) == SECONDS
    assert numbers(values, SECONDS).to_list() == [90, 36000, None]


@pytest.mark.parametrize(
    ("written", "shown", "read"),
    [
        (["1.5", "-2", "1e3", " 7 "], "1234.5", [1.5, -2, 1000, 7]),
        (["1e3", "2e3"], "1234.5", [1000, 2000]),
        (["1,234", "5", "1,234,567.5"], "1,234.5", [1234, 5, 1234567.5]),
        (["1,5", "2"], "1234,5", [1.5, 2]),
        (["1.234,5", "3"], "1.234,5", [1234.5, 3]),
        (["1 234,5", "1\u00a0234 567"], "1 234,5", [1234.5, 1234567]),
        (["1'234.5", "-0.5"], "1'234.5", [1234.5, -0.5]),
        (["$1,234", "-$5.50", "$-3"], "$1,234.5", [1234, -5.5, -3]),
        (["1.234,50 €", "-3 €", "7€"], "1.234,5 €", [1234.5, -3, 7]),
        (["EUR 5", "EUR1000000"], "EUR 1234.5", [5, 1e6]),
        (["5%", "12.5 %", "+1e2%"], "1234.5%", [5, 12.5, 100]),
        (["30.5 m2", "7 m2"], "1234.5 m2", [30.5, 7]),
        (["900 sq ft", "1,200 sq ft"], "1,234.5 sq ft", [900, 1200]),
        (["10 years", "2 years"], "1234.5 years", [10, 2]),
        (["5", "$1,234.50", "-3"], "$1,234.5", [5, 1234.5, -3]),
        (["7", "1.234,50 €", "3,5"], "1.234,5 €", [7, 1234.5, 3.5]),
        (["12 EUR", "5"], "1234.5 EUR", [12, 5]),
    ],
)
def test_numbers_are_read_as_they_are_written(written: list[str], shown: str, read: list[float]) -> None:
    values = pl.Series(written)
    found = number_format_of(values)
    assert str(found) == shown
    assert numbers(values, found).to_list() == read


@pytest.mark.parametrize(
    ("decimal", "read"), [(",", [1234, 2500]), (".", [1.234, 2.5])], ids=["decimal comma", "decimal point"]
)
@pytest.mark.parametrize("unit", ["", " €", " km"])
def test_what_stands_before_decimals_can_be_said(decimal: str, read: list[float], unit: str) -> None:
    values = pl.Series([f"1.234{unit}", f"2.500{unit}"])
    found = number_format_of(values, decimal)
    assert numbers(values, found).to_list() == read


NO_NUMBERS = {
    "mixed": [["1,234", "x"], ["12,34", "1.5"], ["1,23,456"], ["1-2"], ["0x10"], ["٣"], ["1.2.3"]],
    "units": [
        ["$5", "€5"],
        ["$5", "5 €"],
        ["5%", "0.5"],
        ["5 k", "5"],
        ["5 m2", "5 m3"],
        ["(5)", "(6)"],
        ["12 (3)", "5"],
        ["(-5)", "5"],
        ["% 5"],
        ["$", "$5"],
    ],
    "names": [["C000123", "C000124"], ["room 7", "room 8"], ["10:30", "11:30"], ["10.0.0.1", "10.0.0.2"]],
    "words": [["5 of 7", "6 of 7"], ["2024-Q1", "2024-Q2"]],
}


@pytest.mark.parametrize("written", [written for several in NO_NUMBERS.values() for written in several], ids=str)
def test_what_is_no_number_has_no_format(written: list[str]) -> None:
    assert number_format_of(pl.Series(written)) is None


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (["unknown", "5%", "6%", "x"], "1234.5%"),
        (["1,234", "5,678.5", "x"], "1,234.5"),
        (["a", "b"], "1234.5"),
        ([], "1234.5"),
    ],
)
def test_the_closest_format_is_that_of_the_most(written: list[str], shown: str) -> None:
    assert str(closest_number_format(pl.Series(written, dtype=pl.String))) == shown


@pytest.mark.parametrize(
    "token", ["", "  ", "NA", "n/a", "#N/A", "<NA>", "NaN", "null", "None", "?", None, "#DIV/0!", "NaT"]
)
def test_what_stands_for_a_missing_value_is_missing(token: str | None) -> None:
    values = pl.Series(["1", token], dtype=pl.String)
    assert missing(values).to_list() == [False, True]
    assert numbers(values, PLAIN).to_list() == [1.0, None]
    assert texts(values).to_list() == ["1", None]


@pytest.mark.parametrize("dtype", [pl.Float64, pl.Float32, pl.Int64, pl.Boolean, pl.Date])
@pytest.mark.parametrize("given", [[], [1, 0], [1, None], [None]], ids=str)
def test_what_is_null_is_missing_in_every_type(dtype: pl.DataType, given: list[int | None]) -> None:
    values = pl.Series("v", given).cast(dtype)
    found = missing(values)
    assert (found.name, found.dtype, found.to_list()) == ("v", pl.Boolean, [one is None for one in given])


@pytest.mark.parametrize(
    ("column", "is_a_thousand"),
    [
        ([1.234, None, 5.0], True),
        ([1.234, float("nan"), -999.999], True),
        ([1.234, 0.5], False),
        ([1.234, 1000.5], False),
        ([1.234, 1.2345], False),
        ([1.0, float("nan"), None, float("inf")], False),
        ([None], False),
        ([], False),
    ],
    ids=str,
)
def test_numbers_with_three_decimals_each_may_be_thousands(column: list[float | None], *, is_a_thousand: bool) -> None:
    assert may_be_thousands(pl.Series(column, dtype=pl.Float64)) is is_a_thousand


@pytest.mark.parametrize(
    ("written", "may_be"),
    [
        (["501", "981"], True),
        (["NA", " 501 ", None, "981"], True),
        (["501", "9810"], False),
        (["501", "98a"], False),
        (["a98", "501"], False),
        (["50", "98"], False),
        (["NA", None], False),
        ([], False),
    ],
    ids=str,
)
def test_digits_alone_and_as_many_in_each_may_be_codes(written: list[str | None], *, may_be: bool) -> None:
    assert may_be_codes(pl.Series(written, dtype=pl.String)) is may_be


def test_not_a_number_is_missing() -> None:
    values = pl.Series([1.5, float("nan"), None])
    assert missing(values).to_list() == [False, True, True]
    assert numbers(values, PLAIN).to_list() == [1.5, None, None]


@pytest.mark.parametrize(
    "values",
    [
        pl.Series([1, -3000]),
        pl.Series([1.0, -3000.0]),
        pl.Series(["1", "-3000"]),
        pl.Series([" 1.0 ", "-3000.00"]),
        pl.Series([1, -3000], dtype=pl.Int16),
    ],
    ids=["int", "float", "text", "text with point", "int16"],
)
def test_a_whole_number_is_the_same_text_from_any_file(values: pl.Series) -> None:
    assert texts(values).to_list() == ["1", "-3000"]


def test_true_is_the_same_text_from_any_file() -> None:
    assert texts(pl.Series([True, False])).to_list() == texts(pl.Series(["True", "FALSE"])).to_list()


@pytest.mark.parametrize("values", [[1.0, 2.5], ["a"], [1], [True], [None]])
def test_texts_keep_the_name_of_their_column(values: list[object]) -> None:
    assert texts(pl.Series("town", values)).name == "town"


def test_texts_keep_what_makes_them_different() -> None:
    assert texts(pl.Series(["007", "7", "2.50", "Yes", "yes"])).to_list() == ["007", "7", "2.50", "Yes", "yes"]


DAY = datetime.datetime(2024, 1, 5)


@pytest.mark.parametrize(
    ("written", "date_format"),
    [
        ("2024-01-05", "%Y-%m-%d"),
        ("2024/01/05", "%Y/%m/%d"),
        ("01/05/2024", "%m/%d/%Y"),
        ("5.1.2024", "%d.%m.%Y"),
        ("Jan 5, 2024", "%b %d, %Y"),
        ("2024-01-05 00:00:00", "%Y-%m-%d %H:%M:%S%.f"),
        ("2024-01-05T00:00:00Z", "%Y-%m-%dT%H:%M:%S%.f%#z"),
        ("2024-01-05T02:00:00+02:00", "%Y-%m-%dT%H:%M:%S%.f%#z"),
    ],
)
def test_dates_are_read_as_they_are_written(written: str, date_format: str) -> None:
    values = pl.Series([written, None])
    assert date_format_of(values) == date_format
    assert dates(values, date_format).to_list() == [DAY, None]


@pytest.mark.parametrize("date_format", DATE_FORMATS)
def test_what_python_writes_in_any_format_of_dates_is_a_date(date_format: str) -> None:
    moment = DAY.replace(hour=9, minute=5, tzinfo=datetime.UTC)
    written = moment.strftime(date_format.replace("%.f", "").replace("%#z", "%z"))
    assert date_format_of(pl.Series([written])) is not None


def test_a_day_above_twelve_tells_which_number_is_the_month() -> None:
    assert date_format_of(pl.Series(["01/05/2024", "13/05/2024"])) == "%d/%m/%Y"
    assert date_format_of(pl.Series(["01/05/2024", "05/13/2024"])) == "%m/%d/%Y"
    assert date_format_of(pl.Series(["13/05/2024", "05/13/2024"])) is None


def test_what_is_said_to_be_missing_is_so_in_columns_of_any_type() -> None:
    frame = pl.DataFrame(
        {
            "text": ["unknown", " unknown ", "known", None],
            "both": ["unknown", "-999.00", "17.5", "-9990"],
            "day": [datetime.date(2024, 5, 1), datetime.date(1900, 1, 1), None, datetime.date(2024, 5, 2)],
            "narrow": pl.Series([99.9, 1.0, 2.0, None], dtype=pl.Float32),
            "number": [1.5, -999.0, None, 2.0],
            "whole": [1, -999, 3, 4],
            "level": pl.Series(["a", "unknown", "b", "a"], dtype=pl.Categorical),
            "truth": [True, False, True, None],
        }
    )
    found = with_gaps(frame, ("unknown", "-999", "99.9", "1900-01-01"))
    assert found.to_dict(as_series=False) == {
        "text": [None, None, "known", None],
        "both": [None, None, "17.5", "-9990"],
        "day": [datetime.date(2024, 5, 1), None, None, datetime.date(2024, 5, 2)],
        "narrow": [None, 1.0, 2.0, None],
        "number": [1.5, None, None, 2.0],
        "whole": [1, None, 3, 4],
        "level": ["a", None, "b", "a"],
        "truth": [True, False, True, None],
    }
    assert found.schema == frame.schema
    assert with_gaps(frame, ()).equals(frame)


def test_a_number_that_begins_with_0_has_no_thousands() -> None:
    values = pl.Series(["0,536", "1,234", "-2,365"])
    found = number_format_of(values)
    assert found is not None
    assert numbers(values, found).to_list() == [0.536, 1.234, -2.365]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (["(1,200.50)", "3", "-4"], [-1200.5, 3, -4]),
        (["$5", "($1,200.50)", "$(3)"], [5, -1200.5, -3]),
        (["1.234,50 €", "(2,5 €)", "(3) €"], [1234.5, -2.5, -3]),
        (["5 %", "( 2 %)", "(3)%"], [5, -2, -3]),
    ],
)
def test_accountants_write_what_is_negative_in_brackets(written: list[str], read: list[float]) -> None:
    values = pl.Series(written)
    found = number_format_of(values)
    assert found is not None
    assert numbers(values, found).to_list() == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (["30,- €", "29,99 €", "1.234,- €"], [30, 29.99, 1234]),
        (["€ 30,\N{EN DASH}", "€ 1.200,\N{EM DASH}"], [30, 1200]),
        (["30,-", "4,--"], [30, 4]),
        (["CHF 30.-", "CHF 1'234.50"], [30, 1234.5]),
        (["1.234,50-", "3,00", "0,25-"], [-1234.5, 3, -0.25]),
        (["12.50- EUR", "3.00 EUR"], [-12.5, 3]),
    ],
)
def test_prices_may_have_a_dash_for_no_cents_and_a_minus_behind(written: list[str], read: list[float]) -> None:
    values = pl.Series(written)
    found = number_format_of(values)
    assert found is not None
    assert numbers(values, found).to_list() == read


@pytest.mark.parametrize("marks", [["2-", "3", "1-"], ["3-", "2+"], ["1-2", "3-4"], ["-", "1"], ["1.5-2.5", "3.0"]])
def test_a_dash_that_may_be_something_else_makes_no_number(marks: list[str]) -> None:
    assert number_format_of(pl.Series(marks)) is None


@pytest.mark.parametrize(
    ("written", "date_format"),
    [
        (["2021-01", "2021-12"], "%Y-%m"),
        (["2021/1", "1999/12"], "%Y/%m"),
        (["01/2021", "12/1999"], "%m/%Y"),
        (["Jan 2021", "Dec 1999"], "%b %Y"),
        (["Jan-2021", "Dec-1999"], "%b-%Y"),
        (["January 2021", "December 1999"], "%B %Y"),
    ],
)
def test_a_month_is_its_first_day(written: list[str], date_format: str) -> None:
    values = pl.Series([*written, None])
    assert date_format_of(values) == date_format
    assert [day and (day.day, day.hour) for day in dates(values, date_format)] == [(1, 0), (1, 0), None]
    assert dates(values, date_format).dt.year()[0] == 2021


@pytest.mark.parametrize(
    "written", [["2021-01", "2021-13"], ["1234-05", "1235-06"], ["2021-01", "2021-01-05"], ["1/2"]]
)
def test_what_is_no_month_is_no_date(written: list[str]) -> None:
    assert date_format_of(pl.Series(written)) is None


def test_a_unit_is_not_left_out_beside_a_currency_that_may_be() -> None:
    assert number_format_of(pl.Series(["$5/h", "6/h"])) is not None
    assert number_format_of(pl.Series(["$5/h", "$6"])) is None


def test_the_minus_of_typesetters_is_one() -> None:
    values = pl.Series(["\N{MINUS SIGN}1.5", "2", "\N{MINUS SIGN}3"])
    assert numbers(values, PLAIN).to_list() == [-1.5, 2, -3]
    assert str(number_format_of(pl.Series(["\N{MINUS SIGN}$5", "$7"]))) == "$1234.5"


@pytest.mark.parametrize(
    ("column", "has_comma"),
    [
        (["0,5", "1"], True),
        (["1.234.567", "2"], True),
        (["1,234", "2,500"], False),
        (["1,234.5"], False),
        ([1.234, 2.5], False),
        (["a", "b"], False),
        (["1", "2"], False),
    ],
    ids=str,
)
def test_numbers_of_a_column_may_tell_that_a_comma_stands_before_decimals(
    column: list[object], has_comma: bool
) -> None:
    assert has_decimal_comma(pl.DataFrame({"x": column, "y": [1.234] * len(column)})) == has_comma
    assert not has_decimal_comma(pl.DataFrame({"x": column, "y": [0.5] * len(column)}))


@pytest.mark.parametrize(
    ("written", "date_format", "day"),
    [
        ("1/5/24", "%m/%d/%y", DAY),
        ("05-Jan-24", "%d-%b-%y", DAY),
        ("5.1.24", "%d.%m.%y", DAY),
        ("1/5/2024 3:45 PM", "%m/%d/%Y %I:%M %p", DAY.replace(hour=15, minute=45)),
        ("1/5/2024 12:05:00 AM", "%m/%d/%Y %I:%M:%S %p", DAY.replace(minute=5)),
    ],
)
def test_dates_of_spreadsheets_are_read(written: str, date_format: str, day: datetime.datetime) -> None:
    values = pl.Series([written, None])
    assert date_format_of(values) == date_format
    assert dates(values, date_format).to_list() == [day, None]
