"""A state in a temporary file: whole, read one by one, and not written too often."""

import pytest
import torch

from fivestep.machine import spilled_state
from fivestep.machine.spilled_state import SpilledState
from tests.samples import numbers

STATE = {"flat": numbers(7, 3), "none": torch.zeros(0), "step": torch.tensor(3), "bytes": torch.arange(5).byte()}


def test_what_was_put_aside_comes_back_to_the_bit() -> None:
    kept = SpilledState()
    kept.put({"longer": numbers(1000)}, 1)
    kept.put(STATE, 12)
    assert list(kept) == list(STATE)
    assert len(kept) == 4
    assert kept.num_updates == 12
    assert all(torch.equal(kept[name], value) and kept[name].dtype == value.dtype for name, value in STATE.items())


def test_what_comes_back_is_the_callers_own() -> None:
    kept = SpilledState()
    kept.put(STATE, 0)
    kept["flat"].zero_()
    assert torch.equal(kept["flat"], STATE["flat"])


def test_writing_takes_a_hundredth_of_the_time_and_comes_once_in_three_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, kept = [100.0], SpilledState()
    half_a_second_later = lambda: now.append(now[-1] + 0.5) or now[-1]  # noqa: E731
    monkeypatch.setattr(spilled_state.time, "monotonic", half_a_second_later)
    assert kept.is_due
    kept.put(STATE, 0)
    now.append(now[-1] + 48.0)
    assert not kept.is_due
    now.append(now[-1] + 2.0)
    assert kept.is_due
