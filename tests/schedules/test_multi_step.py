"""Steps down at milestones: worked values, and shares of the run."""

from typing import Any

import pytest

from fivestep.check import InputError
from fivestep.find import build
from fivestep.schedules.multi_step import MultiStep
from fivestep.schedules.step import Step
from tests.contracts.cases import Case
from tests.tolerances import FORMULA

CASES = [Case(), Case({"milestones": (2, 3, 50), "gamma": 0.5}, pairs=False)]


@pytest.mark.parametrize(("step", "expected"), [(0, 1), (1, 1), (2, 0.5), (4, 0.5), (5, 0.25), (9, 0.25)])
def test_worked_values(step: int, expected: float) -> None:
    assert MultiStep((2, 5), gamma=0.5).factor(step, 10) == pytest.approx(expected, rel=FORMULA)


@pytest.mark.parametrize(("num_steps", "falls"), [(64_000, [32_000, 48_000]), (8, [4, 6]), (2, [1]), (1, [])])
def test_a_share_is_of_all_steps(num_steps: int, falls: list[int]) -> None:
    factors = [MultiStep().factor(step, num_steps) for step in range(num_steps)]
    assert [step for step in range(1, num_steps) if factors[step] < factors[step - 1]] == falls


def test_evenly_spaced_it_is_step() -> None:
    rates = [MultiStep((3, 6, 9)).factor(step, 12) for step in range(12)]
    assert rates == pytest.approx([Step(every=3).factor(step, 12) for step in range(12)], rel=FORMULA)


def test_one_milestone_needs_no_brackets() -> None:
    assert build("schedules", "multi_step:milestones=0.8") == MultiStep((0.8,))
    assert build("schedules", "multi_step:milestones=[10,20],gamma=0.3") == MultiStep((10, 20), 0.3)


@pytest.mark.parametrize("milestones", [(), (5, 2), (2, 2), (0.5, 7)])
def test_milestones_that_do_not_rise_or_are_of_two_kinds_are_refused(milestones: Any) -> None:
    with pytest.raises(InputError, match="milestones must be one or more in rising order, all numbers of steps or all"):
        MultiStep(milestones)


@pytest.mark.parametrize("milestone", [0, -1, 1.0, 0.0, True, "3"])
def test_a_milestone_that_is_neither_steps_nor_a_share_is_refused(milestone: Any) -> None:
    with pytest.raises(InputError, match="a milestone must be a whole number of steps, or a share of all steps"):
        MultiStep((milestone,))


@pytest.mark.parametrize("gamma", [0.0, 1.0, -0.1])
def test_a_factor_outside_its_range_is_refused(gamma: float) -> None:
    with pytest.raises(InputError, match=r"gamma must be a number in \(0, 1\), got"):
        MultiStep(gamma=gamma)
