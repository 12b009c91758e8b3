"""Warm restarts: worked values, and periods that grow."""

import math

import pytest

from fivestep.check import InputError
from fivestep.schedules.cosine_restarts import CosineRestarts
from tests.contracts.cases import Case
from tests.tolerances import FORMULA

CASES = [
    Case(),
    Case({"period": 2, "growth": 2, "final": 0.1}, pairs=False),
    Case({"period": 1, "growth": 3}, pairs=False),
]


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (0, 1),
        (1, 0.6),  # half way through the period of 2, between 1 and 0.2
        (2, 1),
        (3, 0.2 + 0.4 * (1 + math.sqrt(0.5))),  # a quarter of the period of 4
        (6, 1),
        (10, 0.6),  # half way through the period of 8
    ],
)
def test_worked_values(step: int, expected: float) -> None:
    assert CosineRestarts(2, 2, 0.2).factor(step, 14) == pytest.approx(expected, rel=FORMULA)


@pytest.mark.parametrize(("growth", "expected"), [(1, [0, 10, 20, 30]), (2, [0, 10, 30]), (3, [0, 10])])
def test_each_period_is_longer_by_the_factor(growth: int, expected: list[int]) -> None:
    schedule = CosineRestarts(growth=growth)
    assert [step for step in range(40) if schedule.factor(step, 40) == 1] == expected


@pytest.mark.parametrize("options", [{"period": 0}, {"growth": 0}, {"growth": 1.5}, {"final": 1.0}])
def test_options_outside_their_range_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(InputError, match=f"{next(iter(options))} must be a .*number"):
        CosineRestarts(**options)
