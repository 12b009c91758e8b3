"""Cosine annealing: worked values and both ends."""

import math

import pytest

from fivestep.check import InputError
from fivestep.schedules.cosine import Cosine
from tests.contracts.cases import Case
from tests.tolerances import FORMULA

CASES = [Case(), Case({"final": 0.1})]


@pytest.mark.parametrize(
    ("step", "final", "expected"),
    [
        (0, 0.0, 1),
        (2, 0.0, (1 + math.sqrt(0.5)) / 2),  # a quarter of the way: cos(pi / 4)
        (4, 0.0, 0.5),
        (6, 0.0, (1 - math.sqrt(0.5)) / 2),
        (4, 0.2, 0.6),  # half way between 1 and 0.2
    ],
)
def test_worked_values(step: int, final: float, expected: float) -> None:
    assert Cosine(final).factor(step, 8) == pytest.approx(expected, rel=FORMULA)


def test_it_only_falls() -> None:
    factors = [Cosine().factor(step, 50) for step in range(50)]
    assert factors == sorted(factors, reverse=True)


@pytest.mark.parametrize("final", [1.0, -0.1, math.nan])
def test_an_end_that_is_no_share_is_refused(final: float) -> None:
    with pytest.raises(InputError, match=r"final must be a number in \[0, 1\), got"):
        Cosine(final)
