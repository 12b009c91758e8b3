"""Flat, then a cosine: worked values."""

import math

import pytest

from fivestep.check import InputError
from fivestep.schedules.cosine import Cosine
from fivestep.schedules.flat_cos import FlatCos
from tests.contracts.cases import Case
from tests.tolerances import FORMULA

CASES = [Case(), Case({"flat": 0.3}, pairs=False)]


@pytest.mark.parametrize(
    ("step", "expected"),
    [(0, 1), (3, 1), (4, 1), (5, (1 + math.sqrt(0.5)) / 2), (6, 0.5), (7, (1 - math.sqrt(0.5)) / 2)],
)
def test_worked_values(step: int, expected: float) -> None:
    """Eight steps: flat until 4, then the angles 45, 90, 135 degrees."""
    assert FlatCos().factor(step, 8) == pytest.approx(expected, rel=FORMULA)


def test_without_a_flat_part_it_is_cosine() -> None:
    expected = [Cosine().factor(step, 20) for step in range(20)]
    assert [FlatCos(flat=0.0).factor(step, 20) for step in range(20)] == pytest.approx(expected, rel=FORMULA)


def test_a_flat_part_of_the_whole_run_is_refused() -> None:
    with pytest.raises(InputError, match=r"flat must be a number in \[0, 1\), got 1.0"):
        FlatCos(flat=1.0)
