"""What a schedule keeps of the figures seen so far: it is what looking at all of them gives, and looks at each once."""

import pytest

from fivestep.schedules._fold import Fold
from fivestep.schedules.adaptive import Adaptive
from fivestep.schedules.plateau import Plateau

SCHEDULES = [Plateau(patience=1, cooldown=2, gamma=0.5), Adaptive(patience=1, gamma=0.5)]
FIGURES = [3.0, 2.0, 2.0, 2.0, 2.5, 2.5, 1.0, 1.0, 1.0, 1.0, 1.0]


def test_of_a_list_that_grows_each_figure_is_looked_at_once() -> None:
    seen = [1.0, 2.0]
    fold = Fold[tuple[float, ...]]((), lambda looked, value: (*looked, value))
    kept = fold.over(seen)
    seen.append(3.0)
    seen[0] = 9.0  # nobody looks back
    assert (kept, fold.over(seen), fold.over(seen)) == ((1.0, 2.0), (1.0, 2.0, 3.0), (1.0, 2.0, 3.0))


@pytest.mark.parametrize("changed", [[1.0], [4.0, 5.0], [4.0, 5.0, 6.0], []], ids=str)
def test_a_list_that_begins_otherwise_is_looked_at_anew(changed: list[float]) -> None:
    seen = [1.0, 2.0]
    fold = Fold(0.0, float.__add__)
    fold.over(seen)
    seen[:] = changed
    assert fold.over(seen) == sum(changed)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_a_list_that_grows_gives_the_factors_of_its_beginnings(schedule: Plateau | Adaptive) -> None:
    seen: list[float] = []
    growing = [schedule.factor(0, 1, seen) for value in FIGURES if seen.append(value) is None]  # type: ignore[func-returns-value]
    assert growing == [schedule.factor(0, 1, FIGURES[:k]) for k in range(1, len(FIGURES) + 1)]
    assert len(set(growing)) > 1
