"""Lots: which networks of a fleet are trained in one go, and who trains them.

Each thread takes the next lot that nobody has taken. Ranks have lots of their own, and whoever is through with these
takes from those of a rank that is behind: their processors are never equally fast, and to wait for the slowest costs
more than to ask for each lot (5 us in shared memory, a way through the network and back between machines). What a
network becomes does not depend on who trains it, where the machines are alike.
"""

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, final

from ..ranks import Ranks
from .alike import Pattern
from .member import Member

FEW = 2
"""Networks in a pack, at least: what is done once for a pack takes as long as some hundred steps."""


class Lot(NamedTuple):
    """One network, or with a pattern a pack of those that are alike."""

    members: Sequence[Member]
    pattern: Pattern | None = None


def lots_of(members: Sequence[Member], every: int | None, until: int | None, num_threads: int) -> list[Lot]:
    """One for each network, and packs of those that are alike, have no engine and are measured at their end only."""
    groups: dict[int, list[Member]] = {}
    lots: list[Lot] = []
    for member in members:
        pattern = member.pattern
        if until is None and pattern is not None and not member.has_engine and pattern.is_measured_once(every):
            groups.setdefault(id(pattern), []).append(member)
        else:
            lots.append(Lot([member]))
    for group in groups.values():
        pattern = group[0].pattern
        assert pattern is not None
        waiting = iter(group)
        sizes = pack_sizes(len(group), pattern.most, pattern.lanes, num_threads)
        lots += [Lot([*itertools.islice(waiting, size)], pattern) for size in sizes]
    return lots


def pack_sizes(count: int, most: int, lanes: int, num_threads: int) -> Iterator[int]:
    """The sizes of packs of so many networks: smaller ones towards the end, to which all threads come together.

    While there are enough for all threads, packs fill their `lanes`.
    """
    share = 2 * num_threads
    while count:
        size = min(most, max(FEW, count // share))
        if count > share // 2 * lanes and most >= lanes:
            size = max(lanes, size - size % lanes)
        size = min(count, size)
        yield size
        count -= size


@final
class Waiting:
    """The lots that wait for a thread: first this process's own, then those of ranks that are behind.

    `others(rank)` are the lots of another rank, asked for when there is one left. `taken` are those that were trained
    here, as far as they have been taken.
    """

    def __init__(self, own: Sequence[Lot], ranks: Ranks, others: Callable[[int], Sequence[Lot]]) -> None:
        self.taken: list[Lot] = []
        self._own, self._others, self._rank = own, others, ranks.rank
        self._counts, self._next = ranks.lots, itertools.count()
        self._left = [*range(ranks.rank, ranks.size), *range(ranks.rank)] if self._counts else [ranks.rank]
        self._lots: dict[int, Sequence[Lot]] = {ranks.rank: own}
        self._lock = threading.Lock()

    def __iter__(self) -> "Waiting":
        return self

    def __next__(self) -> Lot:
        with self._lock:
            while self._left:
                rank = self._left[0]
                number = self._number_of(rank)
                if number is None:
                    del self._left[0]
                    continue
                if rank not in self._lots:
                    self._lots[rank] = self._others(rank)
                self.taken.append(self._lots[rank][number])
                return self.taken[-1]
        raise StopIteration

    def _number_of(self, rank: int) -> int | None:
        """Which lot of a rank is this thread's; None if all have been taken."""
        if self._counts is not None:
            return self._counts.take_from(rank)
        number = next(self._next)
        return number if number < len(self._own) else None
