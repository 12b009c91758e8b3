"""Chunks of a fleet: which networks are trained in one go, and by whom.

Each thread takes the next free chunk. Ranks have chunks of their own, and one that has finished these takes from ranks
that are behind: processors are never equally fast, and waiting for the slowest costs more than asking for each chunk (5
us in shared memory, a network round trip between machines). On machines of one kind, a network's result does not depend
on who trains it.
"""

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, final

from ..ranks import Ranks
from .alike import Pattern
from .member import Member

FEW = 2
"""The least networks in a pack: its fixed cost is that of some hundred steps."""


class Chunk(NamedTuple):
    """One network, or with a pattern a pack of networks that are alike."""

    members: Sequence[Member]
    pattern: Pattern | None = None


def chunks_of(members: Sequence[Member], every: int | None, until: int | None, num_threads: int) -> list[Chunk]:
    """One for each network, and packs of those that are alike, have no engine and are measured at their end only."""
    groups: dict[int, list[Member]] = {}
    chunks: list[Chunk] = []
    for member in members:
        pattern = member.pattern
        if until is None and pattern is not None and not member.has_engine and pattern.is_measured_once(every):
            groups.setdefault(id(pattern), []).append(member)
        else:
            chunks.append(Chunk([member]))
    for group in groups.values():
        pattern = group[0].pattern
        assert pattern is not None
        waiting = iter(group)
        sizes = pack_sizes(len(group), pattern.most, pattern.lanes, num_threads)
        chunks += [Chunk([*itertools.islice(waiting, size)], pattern) for size in sizes]
    return chunks


def pack_sizes(count: int, most: int, lanes: int, num_threads: int) -> Iterator[int]:
    """The sizes of packs for `count` networks: smaller toward the end, so that all threads finish together.

    While there are enough for all threads, packs fill all SIMD `lanes`.
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
    """The chunks that wait for a thread: first those of this process, then those of ranks that are behind.

    `others(rank)` returns the chunks of another rank; it is called when one of them is left. `taken` are those that
    this process has taken so far.
    """

    def __init__(self, own: Sequence[Chunk], ranks: Ranks, others: Callable[[int], Sequence[Chunk]]) -> None:
        self.taken: list[Chunk] = []
        self._own, self._others, self._rank = own, others, ranks.rank
        self._counts, self._next = ranks.chunks, itertools.count()
        self._left = [*range(ranks.rank, ranks.size), *range(ranks.rank)] if self._counts else [ranks.rank]
        self._chunks: dict[int, Sequence[Chunk]] = {ranks.rank: own}
        self._lock = threading.Lock()

    def __iter__(self) -> "Waiting":
        return self

    def __next__(self) -> Chunk:
        with self._lock:
            while self._left:
                rank = self._left[0]
                number = self._number_of(rank)
                if number is None:
                    del self._left[0]
                    continue
                if rank not in self._chunks:
                    self._chunks[rank] = self._others(rank)
                self.taken.append(self._chunks[rank][number])
                return self.taken[-1]
        raise StopIteration

    def _number_of(self, rank: int) -> int | None:
        """Takes the next chunk of a rank; None if all are taken."""
        if self._counts is not None:
            return self._counts.take_from(rank)
        number = next(self._next)
        return number if number < len(self._own) else None
