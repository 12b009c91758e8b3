"""Exponential decay: worked values."""

import pytest

from fivestep.check import InputError
from fivestep.schedules.exponential import Exponential
from tests.contracts.cases import Case
from tests.tolerances import FORMULA

CASES = [Case(), Case({"final": 0.5}, pairs=False)]


@pytest.mark.parametrize(("step", "expected"), [(0, 1), (2, 0.1), (3, 10**-1.5), (4, 0.01)])
def test_worked_values(step: int, expected: float) -> None:
    """Over four steps 0.01^(t / 4): half way to a hundredth is a tenth."""
    assert Exponential().factor(step, 4) == pytest.approx(expected, rel=FORMULA)


@pytest.mark.parametrize("final", [0.0, 1.0, -0.1])
def test_an_end_outside_its_range_is_refused(final: float) -> None:
    with pytest.raises(InputError, match=r"final must be a number in \(0, 1\), got"):
        Exponential(final)
