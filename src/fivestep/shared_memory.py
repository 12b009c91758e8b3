"""A sum over the processes of one machine, through memory that they share.

gloo sends every number through a socket: the 203,530 of a small network take half a millisecond, as long as the step
that made them. Here each process adds up its own stretch of all vectors and writes the sums into each of them, in a
tenth of the time (`benchmarks/ranks.py`); a vector that lies elsewhere is copied there and back, piece by piece. The
processes wait for each other twice, by a counter of each that the others read. Another processor must see the numbers
before it sees the counter that says they are there; x86 promises that order, others do not, so elsewhere gloo does the
work.
"""

import fcntl
import mmap
import os
import platform
import time
from pathlib import Path
from typing import final

import torch
from torch import Tensor

from .check import RanksError
from .typing import Vector

FOLDER = Path("/dev/shm")
"""Where Linux keeps files in memory."""

PIECE = 2**20
"""Bytes that are added up at a time: they stay in the processors' caches."""

OWN = 2**22
"""Bytes of each process for vectors that lie in the shared memory from the start."""

LINE = 64
"""Bytes between two counters: one line of a cache, so that waiting for one does not slow the writing of another."""

HEAD = mmap.PAGESIZE

SPIN_SECONDS, NAP_SECONDS, LOOK_SECONDS = 0.001, 0.00005, 0.05
"""How long one waits by looking again and again, then between two looks, and between two looks for who is alive."""


def is_possible() -> bool:
    """Whether this machine has what it takes."""
    return platform.machine().lower() in ("x86_64", "amd64") and FOLDER.is_dir()


def create(size: int, token: str) -> Path:
    """A file in memory for `size` processes, which begins with `token`; raises an `OSError` where there is no room."""
    path = FOLDER / f"fivestep-{token}"
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600), "r+b") as file:
        for own in (OWN, 0):  # a container may have little of it
            try:
                os.posix_fallocate(file.fileno(), 0, HEAD + (size + 1) * PIECE + size * own)  # else a crash later
            except OSError:
                if own == 0:
                    path.unlink()
                    raise
            else:
                break
    return path


@final
class SharedMemory:
    """The memory that `size` processes share. `rank` is this one's number, `timeout` is in seconds."""

    def __init__(self, path: Path, rank: int, size: int, timeout: float) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC)  # closed by the end of the process, and so is its lock
        fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, rank)  # held for as long as this process lives
        memory = mmap.mmap(self._file, 0)
        self._rank, self._size, self._timeout, self._round = rank, size, timeout, 0
        self._counters = memoryview(memory)[:HEAD].cast("q")
        self._places = [other * LINE // 8 for other in range(size)]
        everything = torch.frombuffer(memory, dtype=torch.uint8, offset=HEAD)
        *self._bytes, rest = everything.split([PIECE] * (size + 1) + [len(everything) - (size + 1) * PIECE])
        self._own = list(rest.view(size, -1).unbind())  # of each process, what lies there from the start
        self._taken = 0
        self._views: dict[tuple[torch.dtype, int], tuple[Tensor, list[Tensor], Tensor, Tensor]] = {}
        self._lying: dict[tuple[int, int], tuple[Tensor, list[Tensor], list[Tensor]]] = {}

    def zeros(self, num: int, dtype: torch.dtype) -> Vector | None:
        """A vector in the shared memory, if there is room; every process asks for the same ones in the same order."""
        size = num * dtype.itemsize
        start, self._taken = self._taken, self._taken + -(-size // LINE) * LINE
        if self._taken > len(self._own[0]):
            self._taken = start
            return None
        everyone: list[Vector] = [own[start : start + size].view(dtype) for own in self._own]
        mine, stretch = everyone[self._rank], self._stretch(num)
        others = [one[stretch] for rank, one in enumerate(everyone) if rank != self._rank]
        self._lying[mine.data_ptr(), num] = mine[stretch], [one[stretch] for one in everyone], others
        return mine.zero_()

    def sum_(self, vector: Vector) -> None:
        """Adds up the vectors of all processes, in place, in the order of their ranks: all get the same bits."""
        lying = self._lying.get((vector.data_ptr(), len(vector)))
        if lying is not None:
            return self._sum_where_it_lies_(*lying)
        for piece in vector.split(PIECE // vector.element_size()):
            mine, all_of_stretch, sum_of_stretch, sums = self._views_of(piece)
            mine.copy_(piece)
            self._meet()
            _add_up(all_of_stretch, sum_of_stretch)
            self._meet()
            piece.copy_(sums)
        return None

    def _sum_where_it_lies_(self, mine: Vector, everyone: list[Tensor], others: list[Tensor]) -> None:
        """The same for a vector in the shared memory: this process's stretch of it, everyone's, the others'."""
        self._meet()
        total = mine if self._size == 2 else torch.empty_like(mine)  # in place, the third would miss this one's own
        _add_up(everyone, total)
        for one in others if self._size == 2 else everyone:
            one.copy_(total)
        self._meet()

    def _stretch(self, num: int) -> slice:
        """What of so many numbers this process adds up."""
        return slice(num * self._rank // self._size, num * (self._rank + 1) // self._size)

    def _views_of(self, piece: Vector) -> tuple[Tensor, list[Tensor], Tensor, Tensor]:
        """This process's place for a piece; its stretch of everyone's; where the sums of it go; all the sums."""
        key = piece.dtype, len(piece)
        if key not in self._views:
            *everyone, sums = [place[: piece.nbytes].view(piece.dtype) for place in self._bytes]
            stretch = self._stretch(len(piece))
            self._views[key] = everyone[self._rank], [one[stretch] for one in everyone], sums[stretch], sums
        return self._views[key]

    def _meet(self) -> None:
        """Waits until all processes are here."""
        self._round += 1
        self._counters[self._places[self._rank]] = self._round
        for other, place in enumerate(self._places):
            if self._counters[place] < self._round:
                self._wait_for(other)

    def _wait_for(self, other: int) -> None:
        """Looks again and again, then less often, and at last gives up; raises a `RanksError` with the reason."""
        started = time.monotonic()
        next_look = started + LOOK_SECONDS
        while self._counters[self._places[other]] < self._round:
            now = time.monotonic()
            if now - started < SPIN_SECONDS:
                os.sched_yield()
            else:
                time.sleep(NAP_SECONDS)
            if now > next_look:
                next_look = now + LOOK_SECONDS
                if not self._is_alive(other) and self._counters[self._places[other]] < self._round:
                    raise RanksError(f"all ranks must stay to the end, got no more from rank {other}, which has ended.")
                if now - started > self._timeout:
                    raise RanksError(
                        f"all ranks must come to the same step within {self._timeout:g} s, got no sign of rank {other}."
                    )

    def _is_alive(self, other: int) -> bool:
        """Whether that process still holds the lock that the system takes from it when it ends."""
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, other)
        except OSError:
            return True
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, other)
        return False


def _add_up(vectors: list[Tensor], out: Tensor) -> None:
    torch.add(vectors[0], vectors[1], out=out)
    for vector in vectors[2:]:
        out.add_(vector)
