"""What a figure looks like in a table."""

import math

import pytest

from fivestep.cli._screen import number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (0.69314, "0.6931"),
        (999.12345, "999.1235"),
        (-1234.56789, "-1234.57"),
        (93543.4477, "93,543.4"),
        (106543.6, "106,544"),
        (-12345678.9, "-12,345,679"),
        (1.5e12, "1.5e+12"),
        (math.inf, "inf"),
    ],
)
def test_a_figure_has_as_many_digits_as_a_reader_wants(value: float | None, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize("value", [0.0, 9999.99996, 99999.96, 99_999_999.4, 1e300, -9999.5, -99_999.9, -9_999_999.0])
def test_a_figure_fits_its_column(value: float) -> None:
    assert len(number(value)) <= 10
