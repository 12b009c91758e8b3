"""What ranks on several machines share through a store: heartbeats, and who takes which chunk of a fleet."""

import secrets
import threading
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeVar, final

from torch.distributed import PrefixStore  # type: ignore[attr-defined]  # as in torchrun.py

from ..check import RanksError
from .heartbeats import Heartbeat, Heartbeats

Value = TypeVar("Value")


def heartbeats_in(place: PrefixStore, rank: int, size: int, timeout: float) -> Heartbeats:
    """Heartbeats of `size` ranks through a store; `timeout` is in seconds (`heartbeats.py`)."""
    return Heartbeats(rank, size, timeout, partial(_send_in, place, rank), partial(_receive_in, place))


def _send_in(place: PrefixStore, rank: int, heartbeat: Heartbeat) -> None:
    place.set(str(rank), " ".join(map(str, heartbeat)))


def _receive_in(place: PrefixStore, other: int) -> Heartbeat:
    said = place.get(str(other)).decode().split() if place.check([str(other)]) else []
    return Heartbeat(*map(int, said))


class _Offer(NamedTuple):
    """A rank's chunks of a fleet: how many, by how many threads it takes them, and the key of their counter."""

    num_chunks: int
    num_threads: int
    counter: str


@final
class StoredChunks:
    """Counts the chunks of a fleet that are taken, as `SharedMemory` does, for ranks that only share a store.

    Taking one is an atomic addition in the store: one network round trip, little beside training a chunk. Raises a
    `RanksError` if the store does not answer for `timeout` seconds.
    """

    def __init__(self, place: PrefixStore, rank: int, timeout: float) -> None:
        self._place, self._rank, self._timeout = PrefixStore("chunks", place), rank, timeout
        self._offers: dict[int, _Offer] = {}

    def offers(self, num_chunks: int, num_threads: int) -> None:
        """Offers so many chunks of this process; to be called before all processes synchronize."""
        self._offers.clear()  # those of the previous fleet
        said = f"{num_chunks} {num_threads} {secrets.token_hex(8)}"
        self._asked(lambda: self._place.set(str(self._rank), said))

    def threads_of(self, other: int) -> int:
        """The number of threads by which that process takes its chunks."""
        return self._offer_of(other).num_threads

    def take_from(self, other: int) -> int | None:
        """Takes the next free chunk of that process, counted from 0; None if there is none."""
        offer = self._offer_of(other)
        taken = self._asked(lambda: int(self._place.add(offer.counter, 1)))
        return taken - 1 if taken <= offer.num_chunks else None

    def _offer_of(self, other: int) -> _Offer:
        if other not in self._offers:
            num_chunks, num_threads, counter = self._asked(lambda: self._place.get(str(other))).decode().split()
            self._offers[other] = _Offer(int(num_chunks), int(num_threads), counter)
        return self._offers[other]

    def _asked(self, question: Callable[[], Value]) -> Value:
        """The store's answer, asked for in a thread of its own: a pulled cable may block it for hours."""
        answers: list[Value] = []
        thread = threading.Thread(target=_answered, args=(question, answers), daemon=True)
        thread.start()
        thread.join(self._timeout)
        if not answers:
            raise RanksError(
                f"all ranks must reach their store to share a fleet, got no answer within {self._timeout:g} s; see "
                "whether rank 0, and what started it, still works."
            )
        return answers[0]


def _answered(question: Callable[[], Value], answers: list[Value]) -> None:
    try:
        answers.append(question())
    except RuntimeError:  # the store is gone: `_asked` reports that there was no answer
        return
