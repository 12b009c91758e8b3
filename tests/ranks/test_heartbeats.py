"""Heartbeats: who is given up, when, and in which words."""

import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from fivestep.check import RanksError
from fivestep.ranks import heartbeats as module
from fivestep.ranks.heartbeats import PART, Heartbeat, Heartbeats

TIMEOUT = 0.05
"""Seconds."""


class Others:
    """What rank 0 hears of ranks 1 and 2: their looks and their work go on as they are told.

    While it waits for them, time is what it hears: a busy machine, which may let seconds pass before it listens again,
    makes no silence of that.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.said: list[Heartbeat] = []
        self.heartbeats = {1: Heartbeat(1, 1, 0), 2: Heartbeat(1, 1, 1)}
        self.looks, self.works = {1, 2}, set[int]()

    def receive(self, other: int) -> Heartbeat:
        self.now += TIMEOUT / PART / 2  # the two of them take a period
        old = self.heartbeats[other]
        self.heartbeats[other] = Heartbeat(
            old.looks + (other in self.looks), old.works + (other in self.works), old.waits
        )
        return self.heartbeats[other]


@pytest.fixture
def others() -> Others:
    return Others()


@pytest.fixture
def heartbeats(others: Others, monkeypatch: pytest.MonkeyPatch) -> Iterator[Heartbeats]:
    clock = SimpleNamespace(monotonic=lambda: others.now, process_time=time.process_time, thread_time=time.thread_time)
    monkeypatch.setattr(module, "time", clock)
    made = Heartbeats(0, 3, TIMEOUT, others.said.append, others.receive)
    yield made
    made.end()


def looked(others: Others, heartbeats: Heartbeats, missing: list[int] | None, seconds: float) -> None:
    """Waits that long and looks all the time."""
    with heartbeats.waiting() as look:
        end = others.now + seconds
        while others.now < end:
            look(missing)
            time.sleep(0.001)


def works(others: Others) -> None:
    others.works = {1}


def stops(others: Others) -> None:
    others.looks = {2}


def is_stopped_while_it_waits(others: Others) -> None:
    others.looks, others.heartbeats[1] = {2}, Heartbeat(1, 1, 1)


def all_wait(others: Others) -> None:
    others.heartbeats[1] = Heartbeat(1, 1, 1)


def test_one_that_works_is_waited_for(others: Others, heartbeats: Heartbeats) -> None:
    works(others)
    looked(others, heartbeats, None, 4 * TIMEOUT)
    looked(others, heartbeats, [1], TIMEOUT / 2)


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        (
            stops,
            "all ranks must send a heartbeat every 0.05 s, got none from rank 1; see what holds that process up.",
        ),
        (is_stopped_while_it_waits, "all ranks must send .*, got none from rank 1;"),
        (lambda _others: None, "all ranks must send .*, got none from rank 1;"),  # it looks, and does nothing
        (
            all_wait,
            "all ranks must make the same calls in the same order, got all of them waiting for 0.05 s; see",
        ),
    ],
)
def test_one_that_does_not_is_named(
    what: Callable[[Others], None], sentence: str, others: Others, heartbeats: Heartbeats
) -> None:
    what(others)
    with pytest.raises(RanksError, match=sentence):
        looked(others, heartbeats, None, 10 * TIMEOUT)


def test_another_one_s_work_does_not_help_the_one_that_is_missing(others: Others, heartbeats: Heartbeats) -> None:
    works(others)
    others.heartbeats[2] = Heartbeat(1, 1, 0)
    with pytest.raises(RanksError, match="got none from rank 2; see"):
        looked(others, heartbeats, [2], 10 * TIMEOUT)


def test_what_this_rank_itself_has_slept_through_is_nobody_s_silence(others: Others, heartbeats: Heartbeats) -> None:
    """All of them were stopped, or the machine was: when they go on, none of them has heard of the others for long."""
    works(others)
    with heartbeats.waiting() as look:
        look([1])
        others.now += 1000 * TIMEOUT
        look([1])


def test_this_rank_s_work_is_told_and_what_it_does_while_waiting_is_none(
    others: Others, heartbeats: Heartbeats
) -> None:
    while not others.said or others.said[-1].works < 2:
        sum(range(1000))
    busy = others.said[-1]
    with heartbeats.waiting():
        while others.said[-1].looks < busy.looks + 5:
            sum(range(1000))
    waited = others.said[-1]
    assert not busy.waits
    assert waited.waits
    assert waited.works <= busy.works + 1  # the last one before the wait


def test_one_who_has_ended_gives_no_sign(others: Others, heartbeats: Heartbeats) -> None:
    """What says them is over."""
    while not others.said:
        time.sleep(0.001)
    heartbeats.end()
    heartbeats._thread.join(60)
    assert not heartbeats._thread.is_alive()
