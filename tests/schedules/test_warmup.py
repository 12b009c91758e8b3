"""Warm-up: the line, where it meets the next schedule, and every other schedule after it."""

import itertools

import pytest

from fivestep.check import InputError
from fivestep.find import Choice, build
from fivestep.schedules.warmup import Warmup
from tests.contracts.cases import Case
from tests.tolerances import FORMULA

CASES = [
    Case(),
    Case({"steps": 3, "then": "cosine"}, pairs=False),
    Case({"steps": 0.3, "then": "step:every=4,gamma=0.5"}, pairs=False),
    Case({"steps": 5, "then": Choice("polynomial", power=2.0)}, pairs=False),
    Case({"steps": 200, "then": "cosine"}, pairs=False),
]


def test_worked_values() -> None:
    """Three steps up: 1/4, 2/4, 3/4; then 1 - t/5 over the five that are left."""
    factors = [Warmup(3, "polynomial").factor(step, 8) for step in range(8)]
    assert factors == pytest.approx([0.25, 0.5, 0.75, 1, 0.8, 0.6, 0.4, 0.2], rel=FORMULA)


def test_a_share_is_of_all_steps() -> None:
    factors = [Warmup(0.1).factor(step, 40) for step in range(6)]
    assert factors == pytest.approx([0.2, 0.4, 0.6, 0.8, 1, 1], rel=FORMULA)


def test_it_meets_the_next_schedule_without_a_jump() -> None:
    factors = [Warmup(0.2, "cosine").factor(step, 1000) for step in range(1000)]
    assert max(abs(b - a) for a, b in itertools.pairwise(factors)) <= 1 / 200  # the line is the steepest


def test_it_answers_to_what_is_seen_where_the_next_schedule_does() -> None:
    assert Warmup(2, "adaptive").answers
    assert not Warmup(2, "cosine").answers


def test_what_was_seen_reaches_the_next_schedule() -> None:
    schedule = Warmup(2, "plateau:patience=0,gamma=0.5")
    assert schedule.factor(1, 10, [1.0, 2.0]) == pytest.approx(2 / 3)
    assert schedule.factor(5, 10, [1.0, 2.0]) == 0.5


@pytest.mark.parametrize(
    "text", ["warmup:steps=100,then=cosine:final=0.1", "warmup:steps=0.1,then='step:every=0.3,gamma=0.5'"]
)
def test_a_schedule_in_a_schedule_is_written_and_read_the_same(text: str) -> None:
    choice = Choice.parse(text)
    assert str(Choice.parse(str(choice))) == str(choice)
    assert build("schedules", Choice.parse(str(choice))) == build("schedules", choice)


def test_a_choice_made_in_python_is_written_as_text() -> None:
    choice = Choice("warmup", steps=3, then=Choice("step", every=4, gamma=0.5))
    assert Choice.parse(str(choice)).options["then"] == "step:every=4,gamma=0.5"


def test_an_unknown_schedule_is_refused() -> None:
    with pytest.raises(InputError, match=r"schedule must be one of .*, got 'cosin'; did you mean 'cosine'\?"):
        Warmup(3, "cosin")


@pytest.mark.parametrize("steps", [0, 1.0])
def test_a_length_that_is_neither_steps_nor_a_share_is_refused(steps: float) -> None:
    with pytest.raises(InputError, match="steps must be a whole number of steps, or a share of all steps"):
        Warmup(steps)
