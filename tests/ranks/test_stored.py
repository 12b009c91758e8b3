"""What ranks leave in a store: chunks that are taken once, and a store that does not answer."""

import threading
from collections.abc import Callable, Iterator

import pytest
from torch.distributed import HashStore, PrefixStore  # type: ignore[attr-defined]

from fivestep.check import RanksError
from fivestep.ranks.stored import StoredChunks

PATIENCE = 60.0
"""Seconds after which a store is given up that answers."""


@pytest.fixture
def place() -> PrefixStore:
    return PrefixStore("fleets", HashStore())


def taken(chunks: StoredChunks, of: int) -> list[int]:
    return list(iter(lambda: chunks.take_from(of), None))  # type: ignore[arg-type]


def test_every_lot_is_taken_once_by_whoever_asks(place: PrefixStore) -> None:
    first, second = (StoredChunks(place, rank, PATIENCE) for rank in range(2))
    first.offers(3, 4)
    second.offers(0, 2)
    assert [first.take_from(0), second.take_from(0), first.take_from(0), second.take_from(0)] == [0, 1, 2, None]
    assert first.take_from(1) is None
    assert [second.threads_of(0), first.threads_of(1)] == [4, 2]


def test_a_fleet_that_one_rank_refused_does_not_bring_the_next_into_disorder(place: PrefixStore) -> None:
    """It has then offered more often than the other."""
    first, second = (StoredChunks(place, rank, PATIENCE) for rank in range(2))
    first.offers(2, 1)
    first.offers(3, 1)
    second.offers(2, 1)
    assert taken(second, 0) == [0, 1, 2]
    assert taken(first, 1) == [0, 1]


@pytest.fixture
def cable() -> Iterator[threading.Event]:
    """What is set when it is put back; at the end it always is."""
    back = threading.Event()
    yield back
    back.set()


def gone(_: threading.Event) -> None:
    raise RuntimeError("Connection reset by peer")


@pytest.mark.parametrize("what", [threading.Event.wait, gone], ids=["silent", "gone"])
def test_a_store_that_does_not_answer_is_given_up_in_a_sentence(
    place: PrefixStore, cable: threading.Event, monkeypatch: pytest.MonkeyPatch, what: Callable[[threading.Event], None]
) -> None:
    chunks = StoredChunks(place, 0, PATIENCE)
    chunks.offers(1, 1)
    assert chunks.threads_of(0) == 1
    monkeypatch.setattr(PrefixStore, "add", lambda *_: what(cable))
    chunks._timeout = 0.1
    with pytest.raises(RanksError, match=r"must reach their store to share a fleet, got no answer within 0\.1 s"):
        chunks.take_from(0)
