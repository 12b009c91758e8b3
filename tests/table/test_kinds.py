"""What columns are taken for."""

import datetime
import string

import polars as pl
import pytest

from fivestep.check import InputError
from fivestep.table.kinds import kind_of, kinds_of
from fivestep.table.target import fit_target

N = 40
WORDS = [a + b for a in string.ascii_lowercase for b in "xyz"][:N]
DAYS = [datetime.date(2024, 1, 1) + datetime.timedelta(days=k) for k in range(N)]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([k / 3 for k in range(N)], "number"),
        ([k % 7 for k in range(N)], "number"),
        ([1990 + k for k in range(N)], "number"),
        ([f"{k},000" for k in range(1, N)], "number"),
        ([k % 2 for k in range(N)], "yes/no"),
        (["0", "1", None] * 9, "yes/no"),
        ([True, False] * 9, "yes/no"),
        (["yes", "no", "NA"] * 9, "yes/no"),
        (["a", "b", "c"] * 9, "category"),
        (WORDS[:15] * 3, "category"),
        (DAYS, "date"),
        ([str(day) for day in DAYS], "date"),
        (list(range(N)), "identifier"),
        (list(range(1, N + 1)), "identifier"),
        (WORDS, "identifier"),
        ([f"a long sentence about {word} and more" for word in WORDS], "text"),
        ([[1, 2]] * N, "text"),
        ([None] * N, "empty"),
        (["", "NA", "?"] * 9, "empty"),
        ([5] * N, "constant"),
        ([f"{k}:{k + 10}" for k in range(13)] * 2, "date"),
        ([f"{k}:{k + 10} PM" for k in range(1, 13)] * 2, "date"),
        (["16:9", "4:3", "21:10"] * 9, "category"),
        (["March 3, 2021", "12 May 2021", "4 June 2021"] * 9, "category"),
        (["3 March 2021", "12 May 2021", "4 June 2021"] * 9, "date"),
        (["March 3, 2021", "May 12, 2021", "June 4, 2021"] * 9, "date"),
        (["same"] * N, "constant"),
        (["same", None] * N, "category"),
        ([5.0, None] * N, "number"),
    ],
)
def test_a_column_is_taken_for(values: list[object], kind: str) -> None:
    assert kind_of(pl.Series("values", values)).kind == kind


def test_numbers_that_look_like_codes_are_warned_of() -> None:
    with pytest.warns(
        UserWarning, match=r"column 'zip' holds '98101' and the like, .*; if .* say --categorical zip or"
    ):
        assert kind_of(pl.Series("zip", ["98101", "00501", None, "10001"] * 9)).kind == "number"


@pytest.mark.parametrize(
    "values",
    [["9007199254740993", " -9007199254740995"], ["1", "89014103211118510720"], [2**64 - 1, 5], [-(2**63) + 1, 5]],
    ids=str,
)
def test_numbers_that_float64_cannot_tell_from_their_neighbors_are_warned_of(values: list[object]) -> None:
    said = r"column 'card' holds '-?\d{16,20}', and is taken for number, but .*say --categorical card or --ignore card"
    with pytest.warns(UserWarning, match=said):
        assert kind_of(pl.Series("card", values * 9)).kind == "number"


@pytest.mark.parametrize(
    "values",
    [["1e300", "-inf"], ["9007199254740992", "1e18"], ["1,000,000,000,000,000,001", "1"], [2.0**60, 5.0]],
    ids=str,
)
def test_large_numbers_that_are_no_codes_are_not_warned_of(values: list[object]) -> None:
    assert kind_of(pl.Series("mass", values * 9)).kind in ("number", "category")


@pytest.mark.parametrize("dtype", [pl.Int64, pl.Float64, pl.String], ids=str)
def test_dates_written_as_one_number_are_hinted_at(dtype: pl.DataType) -> None:
    days = [int(f"{day:%Y%m%d}") for day in DAYS]
    said = (
        "column 'day' holds '20240101' and the like, which may be dates, and is taken for number; write 2024-01-01 to"
    )
    with pytest.warns(UserWarning, match=said):
        assert kind_of(pl.Series("day", [None, *days]).cast(dtype)).kind == "number"


@pytest.mark.parametrize(
    "days",
    [
        [20240101 + k for k in range(40)],
        [20240101 + 100 * k for k in range(9)],
        [17000101 + 10000 * k for k in range(30)],
        [20240101.5 + k for k in range(20)],
    ],
    ids=["a 32nd", "few", "years of other numbers", "decimals"],
)
def test_other_numbers_of_eight_digits_are_no_dates(days: list[float]) -> None:
    assert kind_of(pl.Series("amount", [*days, *days[::2]])).kind == "number"


@pytest.mark.parametrize(
    "values", [["08", "12"], ["0", "100"], ["0.5", "1.2"], ["100", "200"], ["000", "0010"]], ids=str
)
def test_other_numbers_are_no_codes(values: list[str]) -> None:
    assert kind_of(pl.Series("x", values * 9)).kind == "number"


def test_numbers_named_as_an_identifier_are_one() -> None:
    numbers = [1000 + 7 * k for k in range(N)]
    assert kind_of(pl.Series("customer_id", numbers)).kind == "identifier"
    assert kind_of(pl.Series("width", numbers)).kind == "number"


def test_a_few_rows_do_not_make_an_identifier() -> None:
    assert kind_of(pl.Series("name", ["a", "b", "c"])).kind == "category"
    assert kind_of(pl.Series("x", [0, 1, 2])).kind == "number"


def test_the_user_overrules() -> None:
    frame = pl.DataFrame({"size": [1, 2, 3] * 9, "zip": ["1", "2", "3"] * 9, "y": [0.5] * 27})
    kinds = {kind.name: kind.kind for kind in kinds_of(frame, categorical=["zip"], ignore=["y"])}
    assert kinds == {"size": "number", "zip": "category", "y": "ignored"}


@pytest.mark.parametrize("argument", ["categorical", "ignore"])
def test_a_name_that_is_no_column_is_refused(argument: str) -> None:
    with pytest.raises(InputError, match=rf"a column in {argument} must be one of .*, got 'sise'; did you mean 'size'"):
        kinds_of(pl.DataFrame({"size": [1], "y": [2]}), **{argument: ["sise"]})


def test_a_word_among_numbers_is_refused_with_its_row() -> None:
    values = [str(k) for k in range(N)]
    values[16] = "sixteen"
    with pytest.raises(InputError, match=r"column 'x' must hold numbers, as 39 of its 40 .*, got 'sixteen' in row 17;"):
        kind_of(pl.Series("x", values))


def test_a_long_value_is_cut_in_the_sentence() -> None:
    with pytest.raises(InputError, match=r"got 'z{37}\.\.\.' in row 1;"):
        kind_of(pl.Series("x", ["z" * 1000, *map(str, range(N))]))


def test_levels_stand_on_one_line() -> None:
    values = pl.Series("c", ["two\nlines", "a text that is longer than thirty letters", "x"] * 10)
    assert kind_of(values).detail == "3 levels: a text that is longer than..., two lines, x"


def test_a_level_with_a_comma_is_in_quotes() -> None:
    values = pl.Series("c", ["old, but nice", "new", "dear"] * 9)
    assert kind_of(values).detail == "3 levels: dear, new, 'old, but nice'"


@pytest.mark.parametrize(
    ("written", "kind", "detail"),
    [
        (["1.5%", "20 %", "3%"], "number", "1.5 to 20, as 1234.5%"),
        (["$1,200,000", "$2,345,678"], "number", "1,200,000 to 2,345,678, as $1,234.5"),
        (["0%", "1%"], "number", "0 to 1, as 1234.5%"),
        (["20240105", "20240106"], "number", "20,240,105 to 20,240,106"),
        (["1990", "2024"], "number", "1990 to 2024"),
    ],
)
def test_numbers_with_units_are_numbers(written: list[str], kind: str, detail: str) -> None:
    found = kind_of(pl.Series("c", written * 4))
    assert (found.kind, found.detail) == (kind, detail)


def test_a_mistake_among_numbers_with_units_is_named() -> None:
    values = pl.Series("share", [*(f"{k}.5%" for k in range(30)), "unknown"])
    with pytest.raises(
        InputError, match=r"column 'share' must hold numbers, as 30 of its 31 values are, got 'unknown'"
    ):
        kind_of(values)


AMOUNTS = ["1.234 €", "950 €", "2.500 €", "12.000 €"] * 5


@pytest.mark.parametrize("amounts", [AMOUNTS, ["€ 1.234", "€ 2.500"], ["1.234 EUR", "-2.500 EUR", "7"]])
def test_an_amount_that_may_be_a_thousand_is_asked_for(amounts: list[str]) -> None:
    with pytest.raises(
        InputError, match=r"'price' must .*'.*1\.234.*'.*; say --decimal=, if that is 1234, or --dec.* 1\.234"
    ):
        kind_of(pl.Series("price", amounts))


def test_what_was_asked_for_can_be_said() -> None:
    assert kind_of(pl.Series("price", AMOUNTS), ",").detail == "950 to 12,000, as 1.234,5 €"
    assert kind_of(pl.Series("price", AMOUNTS), ".").detail == "1.234 to 950, as 1234.5 €"
    assert kind_of(pl.Series("x", ["1.25", "1000.5"]), ",").detail == "1.25 to 1000.5"  # here the values tell


@pytest.mark.parametrize(
    "values",
    [["1.234 €", "2.5 €"], ["0.999 €", "1.234 €"], ["1.234 kg", "2.500 kg"], ["1.234", "2.500"], ["1.234.000 €"]],
    ids=["one decimal", "less than one", "a weight", "no currency", "two groups"],
)
def test_nothing_is_asked_where_values_tell_or_amounts_are_none(values: list[str]) -> None:
    assert kind_of(pl.Series("x", [*values, values[0].replace("1", "3")])).kind == "number"


def test_numbers_in_two_units_are_warned_of() -> None:
    areas = pl.Series("area", [f"{k} {unit}" for k in range(20, 40) for unit in ("m2", "ft2")])
    with pytest.warns(
        UserWarning, match="column 'area' holds numbers in several units, 'ft2' and 'm2', and is taken for"
    ):
        assert kind_of(areas).kind == "text"


@pytest.mark.parametrize(
    "values",
    [[f"{k}{letter}" for k in range(20) for letter in "AB"], ["1 year", "6 months"] * 20, WORDS],
    ids=["houses", "levels", "words"],
)
def test_levels_with_numbers_in_them_are_not_warned_of(values: list[str]) -> None:
    kind_of(pl.Series("x", values))


def test_numbers_in_thousands_and_millions_are_warned_of() -> None:
    followers = pl.Series("followers", [f"{k / 10}{size}" for k in range(10, 30) for size in ("", "K", "M")])
    with pytest.warns(UserWarning, match="numbers in several units, 'K' and 'M' and none, and is taken for"):
        kind_of(followers)


def test_a_unit_below_the_names_is_known() -> None:
    sizes = pl.Series("size", ["m²", *(f"{k}.5" for k in range(30))])
    with pytest.raises(InputError, match="got 'm²' in row 1; remove the row if it tells units, fix the value, count"):
        kind_of(sizes)


def test_a_number_in_another_unit_is_known() -> None:
    sizes = pl.Series("size", [*(f"{k}.5 km" for k in range(30)), "7 m"])
    with pytest.raises(InputError, match="got '7 m' in row 31; bring it to the unit of the others, count"):
        kind_of(sizes)


def test_what_is_called_an_identifier_may_be_beyond_what_float64_tells_apart() -> None:
    numbers = pl.Series("user_id", [2**60 + k for k in range(N)])
    assert kind_of(numbers).kind == kind_of(numbers.cast(pl.String)).kind == "identifier"


@pytest.mark.parametrize("values", [[7] * N, [7.0] * N, ["7"] * N, ["7.0"] * N])
def test_a_constant_is_shown_as_it_is_meant(values: list[object]) -> None:
    assert kind_of(pl.Series("c", values)).detail == "always '7'"


def test_what_may_stand_for_gaps_is_written_as_a_shell_takes_it() -> None:
    values = pl.Series("depth", [*(f"{k}.5" for k in range(30)), *["< 0.5"] * 20])
    with pytest.warns(UserWarning, match=r"say --missing='< 0\.5'\.$"):
        kind_of(values)


def test_what_may_stand_for_gaps_among_numbers_is_named() -> None:
    values = pl.Series("depth", [*(f"{k}.5" for k in range(30)), *["-"] * 20])
    with pytest.warns(
        UserWarning, match=r"column 'depth' holds numbers and '-', and is taken for category; .* --missing=-\.$"
    ):
        assert kind_of(values).kind == "category"


def test_levels_that_differ_in_capital_letters_alone_are_named() -> None:
    values = pl.Series("smoker", ["yes", "Yes ", "NO", None, "no", "maybe"] * 9)
    with pytest.warns(
        UserWarning, match=r"'smoker' holds 'NO' and 'no', and 2 others like them, which differ in capital"
    ):
        assert kind_of(values).detail == "5 levels: NO, Yes, maybe, no, ..."
    with pytest.warns(UserWarning, match=r"^target 'smoker' holds 'NO' and 'no', and 2 others like them, which"):
        fit_target(values.drop_nulls())


@pytest.mark.parametrize("levels", [["true", "TRUE", "False"], ["yes", "no"], ["Yes", "No", "yes and no"]])
def test_other_levels_do_not_differ_in_capital_letters_alone(levels: list[str]) -> None:
    assert kind_of(pl.Series("smoker", levels * 9)).is_used  # warnings are errors
