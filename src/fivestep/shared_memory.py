"""A sum over the processes of one machine, through memory that they share.

gloo sends every number through a socket: the 203,530 of a small network take half a millisecond, as long as the step
that made them. Here each process copies its vector into the shared memory, adds up its own stretch of all of them, and
copies the sums back: 0.06 milliseconds (`benchmarks/ranks.py`). The processes wait for each other twice, by a counter
of each that the others read. Another processor must see the numbers before it sees the counter that says they are
there; x86 promises that order, others do not, so elsewhere gloo does the work.
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
        try:
            os.posix_fallocate(file.fileno(), 0, HEAD + (size + 1) * PIECE)  # else a full disk is a crash later
        except OSError:
            path.unlink()
            raise
    return path


@final
class SharedMemory:
    """The memory that `size` processes share. `rank` is this one's number, `timeout` is in seconds."""

    def __init__(self, path: Path, rank: int, size: int, timeout: float) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC)  # closed by the end of the process, and so is its lock
        fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, rank)  # held for as long as this process lives
        memory = mmap.mmap(self._file, HEAD + (size + 1) * PIECE)
        self._rank, self._size, self._timeout, self._round = rank, size, timeout, 0
        self._counters = memoryview(memory)[:HEAD].cast("q")
        self._places = [other * LINE // 8 for other in range(size)]
        self._bytes = [torch.frombuffer(memory, dtype=torch.uint8, offset=HEAD + k * PIECE) for k in range(size + 1)]
        self._views: dict[tuple[torch.dtype, int], tuple[Tensor, list[Tensor], Tensor, Tensor]] = {}

    def sum_(self, vector: Vector) -> None:
        """Adds up the vectors of all processes, in place, in the order of their ranks: all get the same bits."""
        for piece in vector.split(PIECE // vector.element_size()):
            mine, all_of_stretch, sum_of_stretch, sums = self._views_of(piece)
            mine.copy_(piece)
            self._meet()
            torch.add(all_of_stretch[0], all_of_stretch[1], out=sum_of_stretch)
            for other in all_of_stretch[2:]:
                sum_of_stretch.add_(other)
            self._meet()
            piece.copy_(sums)

    def _views_of(self, piece: Vector) -> tuple[Tensor, list[Tensor], Tensor, Tensor]:
        """This process's place for a piece; its stretch of everyone's; where the sums of it go; all the sums."""
        key = piece.dtype, len(piece)
        if key not in self._views:
            *everyone, sums = [place[: piece.nbytes].view(piece.dtype) for place in self._bytes]
            stretch = slice(len(piece) * self._rank // self._size, len(piece) * (self._rank + 1) // self._size)
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
