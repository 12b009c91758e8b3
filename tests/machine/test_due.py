"""When a run is to be written again."""

import pytest

from fivestep.machine import due
from fivestep.machine.due import Due


@pytest.mark.parametrize(("cost", "expected"), [(0.001, 3.0), (0.5, 50.0)])
def test_it_is_due_every_few_seconds_and_more_rarely_where_it_is_expensive(
    cost: float, expected: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a second of writing is one percent of fifty."""
    clock, writing = [100.0], Due()
    monkeypatch.setattr(due.time, "monotonic", lambda: clock[0])
    assert writing.is_now
    clock[0] += cost
    assert writing.written(100.0) == pytest.approx(cost)
    clock[0] += expected - 0.01
    assert not writing.is_now
    clock[0] += 0.02
    assert writing.is_now
