"""What ranks on several machines leave for each other in a store: signs of life, and who takes which lot of a fleet."""

import secrets
import threading
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeVar, final

from torch.distributed import PrefixStore  # type: ignore[attr-defined]  # as in torchrun.py

from ..check import RanksError
from .signs import Sign, Signs

Value = TypeVar("Value")


def signs_in(place: PrefixStore, rank: int, size: int, timeout: float) -> Signs:
    """The signs of life of `size` ranks, this one's from now on; `timeout` is in seconds (`signs.py`)."""
    return Signs(rank, size, timeout, partial(_say_in, place, rank), partial(_heard_in, place))


def _say_in(place: PrefixStore, rank: int, sign: Sign) -> None:
    place.set(str(rank), " ".join(map(str, sign)))


def _heard_in(place: PrefixStore, other: int) -> Sign:
    said = place.get(str(other)).decode().split() if place.check([str(other)]) else []
    return Sign(*map(int, said))


class _Offer(NamedTuple):
    """The lots that a rank has of a fleet: how many, by how many threads it takes them, and where they are counted."""

    num_lots: int
    num_threads: int
    counter: str


@final
class StoredLots:
    """Which lots of a fleet have been taken, as `SharedMemory` counts them, for ranks that share a store alone.

    To take one is an addition at the store, which does one after another: a way through the network and back, where a
    lot takes as long as networks are trained. Raises a `RanksError` if the store does not answer for `timeout` seconds.
    """

    def __init__(self, place: PrefixStore, rank: int, timeout: float) -> None:
        self._place, self._rank, self._timeout = PrefixStore("lots", place), rank, timeout
        self._offers: dict[int, _Offer] = {}

    def offers(self, num_lots: int, num_threads: int) -> None:
        """So many lots of this process are to be had from now on; to be said before all processes meet."""
        self._offers.clear()  # of the fleet before
        said = f"{num_lots} {num_threads} {secrets.token_hex(8)}"
        self._asked(lambda: self._place.set(str(self._rank), said))

    def threads_of(self, other: int) -> int:
        """By how many threads that process takes its lots."""
        return self._offer_of(other).num_threads

    def take_from(self, other: int) -> int | None:
        """The next of that process's lots, from 0, that nobody has taken, and now is; None if there is none."""
        offer = self._offer_of(other)
        taken = self._asked(lambda: int(self._place.add(offer.counter, 1)))
        return taken - 1 if taken <= offer.num_lots else None

    def _offer_of(self, other: int) -> _Offer:
        if other not in self._offers:
            num_lots, num_threads, counter = self._asked(lambda: self._place.get(str(other))).decode().split()
            self._offers[other] = _Offer(int(num_lots), int(num_threads), counter)
        return self._offers[other]

    def _asked(self, question: Callable[[], Value]) -> Value:
        """What the store answers. It is asked in a thread of its own: a cable that is pulled may keep it for hours."""
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
    except RuntimeError:  # whoever keeps the store is gone: nothing is answered, and the one who asks says so
        return
