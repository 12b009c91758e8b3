"""What a figure looks like in a table, and the remaining time beside a bar."""

import math

import pytest
from rich.console import Console

from fivestep.cli._live import Pace, bar
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


@pytest.mark.parametrize(
    ("pace", "said"),
    [
        (Pace(done=0, total=8, first=0, seconds=20.0), "so far"),
        (Pace(done=5, total=8, first=5, seconds=20.0), "so far"),
        (Pace(done=2, total=8, first=0, seconds=10.0), "so far, 30 s left"),
        (Pace(done=6, total=8, first=5, seconds=40.0), "so far, 1 min 20 s left"),
    ],
)
def test_the_remaining_time_is_said_once_there_is_progress(
    pace: Pace, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    console = Console(width=60)
    console.print(bar(console, pace, "so far"))
    assert capsys.readouterr().out.rstrip().endswith(f"  {said}")
