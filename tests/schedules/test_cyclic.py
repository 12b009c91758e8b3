"""Triangles: worked values, their height and their length."""

from typing import Any

import pytest

from fivestep.check import InputError
from fivestep.schedules.cyclic import Cyclic
from tests.contracts.cases import Case
from tests.tolerances import FORMULA

CASES = [Case(pairs=False), Case({"period": 7, "base": 0.0, "shrink": 0.5}, pairs=False)]


def test_worked_values() -> None:
    """Periods of four steps between 0.2 and 1, the second one half as high: 0.2 + 0.4 in its middle."""
    factors = [Cyclic(period=4, base=0.2, shrink=0.5).factor(step, 100) for step in range(9)]
    assert factors == pytest.approx([0.2, 0.6, 1.0, 0.6, 0.2, 0.4, 0.6, 0.4, 0.2], rel=FORMULA)


@pytest.mark.parametrize(("num_steps", "tops"), [(400, [50, 150, 250, 350]), (8, [1, 3, 5, 7])])
def test_a_share_is_of_all_steps(num_steps: int, tops: list[int]) -> None:
    assert [step for step in range(num_steps) if Cyclic().factor(step, num_steps) == 1] == tops


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"period": 0}, "period must be a whole number of steps, or a share of all steps"),
        ({"base": 1.0}, r"base must be a number in \[0, 1\), got 1.0"),
        ({"shrink": 0.0}, "shrink must be a finite number greater than 0, got 0.0"),
        ({"shrink": 2.0}, r"shrink must be a number in \(0, 1\], got 2.0"),
    ],
)
def test_options_out_of_their_range_are_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        Cyclic(**options)
