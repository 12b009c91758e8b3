"""One cycle: its three corners, and no jumps."""

import itertools

import pytest

from fivestep.check import InputError
from fivestep.schedules.one_cycle import OneCycle
from tests.contracts.cases import Case
from tests.tolerances import FORMULA

CASES = [
    Case(),
    Case({"pct_start": 0.4, "div_factor": 10.0, "final_div_factor": 100.0}, pairs=False),
    Case({"anneal_strategy": "linear", "final_div_factor": 100.0}, pairs=False),  # torch rounds at the end: 1 - (1 - x)
]


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (0, 1 / 25),
        (2, (1 / 25 + 1) / 2),  # half way up
        (4, 1),  # 0.5 * 10 - 1
        (9, 1 / 25 / 1e4),
    ],
)
def test_worked_values(step: int, expected: float) -> None:
    assert OneCycle(pct_start=0.5).factor(step, 10) == pytest.approx(expected, rel=FORMULA)


def test_worked_values_of_lines() -> None:
    """Up from 1/25 to 1 in four steps: 0.04, 0.28, 0.52, ...; down to 4e-6 in five."""
    factors = [OneCycle(pct_start=0.5, anneal_strategy="linear").factor(step, 10) for step in range(10)]
    assert factors[:5] == pytest.approx([0.04, 0.28, 0.52, 0.76, 1], rel=FORMULA)
    assert factors[5:] == pytest.approx([1 - k * (1 - 4e-6) / 5 for k in range(1, 6)], rel=FORMULA)


def test_an_unknown_way_is_refused() -> None:
    with pytest.raises(InputError, match="anneal_strategy must be one of cos, linear, got 'cosine'; did"):
        OneCycle(anneal_strategy="cosine")


def test_it_rises_and_falls_once_without_a_jump() -> None:
    factors = [OneCycle().factor(step, 1000) for step in range(1000)]
    changes = [b - a for a, b in itertools.pairwise(factors)]
    assert all(change > 0 for change in changes[:298])
    assert all(change < 0 for change in changes[300:])
    assert max(map(abs, changes)) < 3.15 / 2 / 298  # the steepest place of the shorter wave: pi / 2 over its length


def test_a_rise_of_a_single_step_starts_at_the_top() -> None:
    """torch 2.13 divides by zero here: pct_start T = 1."""
    assert OneCycle(pct_start=0.1).factor(0, 10) == 1


@pytest.mark.parametrize(
    "options", [{"pct_start": 0.0}, {"pct_start": 1.0}, {"div_factor": 0.5}, {"final_div_factor": 0.5}]
)
def test_options_outside_their_range_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(InputError, match=f"{next(iter(options))} must be a .*number"):
        OneCycle(**options)
