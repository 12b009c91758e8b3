"""Steps down: worked values, and a share of the run."""

import pytest

from fivestep.check import InputError
from fivestep.schedules.step import Step
from tests.contracts.cases import Case
from tests.tolerances import FORMULA

CASES = [Case(), Case({"every": 3, "gamma": 0.5}, pairs=False)]


@pytest.mark.parametrize(("step", "expected"), [(0, 1), (2, 1), (3, 0.5), (5, 0.5), (6, 0.25), (9, 0.125)])
def test_worked_values(step: int, expected: float) -> None:
    assert Step(every=3, gamma=0.5).factor(step, 10) == pytest.approx(expected, rel=FORMULA)


@pytest.mark.parametrize(("num_steps", "falls"), [(10, [3, 6, 9]), (100, [30, 60, 90]), (11, [3, 6, 9]), (1, [])])
def test_a_share_is_of_all_steps(num_steps: int, falls: list[int]) -> None:
    factors = [Step().factor(step, num_steps) for step in range(num_steps)]
    assert [step for step in range(1, num_steps) if factors[step] < factors[step - 1]] == falls


@pytest.mark.parametrize("every", [0, -1, 1.0, 0.0, True, "3"])
def test_a_length_that_is_neither_steps_nor_a_share_is_refused(every: float) -> None:
    with pytest.raises(InputError, match=r"every must be a whole number of steps, or a share of all steps in \(0, 1\)"):
        Step(every=every)


@pytest.mark.parametrize("gamma", [0.0, 1.0, -0.1])
def test_a_factor_outside_its_range_is_refused(gamma: float) -> None:
    with pytest.raises(InputError, match=r"gamma must be a number in \(0, 1\), got"):
        Step(gamma=gamma)
