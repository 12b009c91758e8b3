"""Sums over the processes of one machine, through shared memory.

gloo sends every number through a socket: the 203,530 of a small network take half a millisecond, as long as the step
itself. Here each process sums its own segment of all vectors and writes the sums into each of them, in a tenth of the
time (`benchmarks/ranks.py`); a vector outside the shared memory is copied there and back, piece by piece. The processes
wait for each other twice: each has a counter that the others read. Another processor must see the numbers before the
counter that announces them; x86 guarantees that order, others do not, so elsewhere gloo does the work.
"""

import fcntl
import mmap
import os
import platform
import threading
import time
import weakref
from pathlib import Path
from typing import final

import torch
from torch import Tensor

from ..check import RanksError
from ..typing import Vector
from .heartbeats import Heartbeat, Heartbeats

FOLDER = Path("/dev/shm")
"""Linux's folder for files in memory."""

PIECE = 2**20
"""Bytes that are summed at a time, so that they stay in the processors' caches."""

OWN = 2**22
"""Bytes for each process's vectors that are allocated in the shared memory."""

LINE = 128
"""Bytes for each process's counters: whole cache lines, so that polling one does not slow another's writes.

Two of these integers count barriers, those of sums and those of `gathered`, so that one is never taken for the other.
Then come its heartbeat, the number of bytes it sends, and of a fleet its number of chunks, how many of them are taken,
and its number of threads.
"""

FOR_SUM, TO_GATHER, HEARTBEAT, LENGTH, CHUNKS, TAKEN, THREADS = 0, 1, slice(2, 5), 5, 6, 7, 8

SPIN_SECONDS, NAP_SECONDS, LOOK_SECONDS = 0.001, 0.00005, 0.05
"""Seconds of busy waiting, then between two polls, and between two checks for who is alive."""

NAP_SHARE, LONGEST_NAP = 0.01, 0.005
"""Naps grow to this share of the time waited so far, up to so many seconds, so that long waits cost nothing."""


def is_possible() -> bool:
    """Whether this machine supports it."""
    return platform.machine().lower() in ("x86_64", "amd64") and FOLDER.is_dir()


def create(size: int, token: str) -> Path:
    """A file in memory for `size` processes, which begins with `token`; raises an `OSError` where there is no room."""
    path = FOLDER / f"fivestep-{token}"
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600), "r+b") as file:
        for own in (OWN, 0):  # a container may have little of it
            try:
                os.posix_fallocate(
                    file.fileno(), 0, _head(size) + (size + 1) * PIECE + size * own
                )  # reserves the memory: else a crash later
            except OSError:
                if own == 0:
                    path.unlink()
                    raise
            else:
                break
    return path


def _head(size: int) -> int:
    """The bytes of the header, with the counters of so many processes."""
    return -(-size * LINE // mmap.PAGESIZE) * mmap.PAGESIZE


@final
class SharedMemory:
    """The memory that `size` processes share. `rank` is this one's, `timeout` is in seconds (`heartbeats.py`)."""

    def __init__(self, path: Path, rank: int, size: int, timeout: float) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        weakref.finalize(self, os.close, self._file)  # closing it releases its locks
        fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, rank)  # held for as long as this process lives
        memory = mmap.mmap(self._file, 0)
        self._rank, self._size, self._rounds = rank, size, {FOR_SUM: 0, TO_GATHER: 0}
        counters = memoryview(memory)[: size * LINE].cast("q")
        self._lines = [counters[other * LINE // 8 : (other + 1) * LINE // 8] for other in range(size)]
        self._turn = threading.Lock()
        everything = torch.frombuffer(memory, dtype=torch.uint8, offset=_head(size))
        *self._bytes, rest = everything.split([PIECE] * (size + 1) + [len(everything) - (size + 1) * PIECE])
        self._own = list(rest.view(size, -1).unbind())  # each process's allocated vectors
        self._taken = 0
        self._views: dict[tuple[torch.dtype, int], tuple[Tensor, list[Tensor], Tensor, Tensor]] = {}
        self._lying: dict[tuple[int, int], tuple[Tensor, list[Tensor], list[Tensor]]] = {}
        self.heartbeats = Heartbeats(rank, size, timeout, self._send, self._receive)

    def _send(self, heartbeat: Heartbeat) -> None:
        for place, number in zip(range(HEARTBEAT.start, HEARTBEAT.stop), heartbeat, strict=True):
            self._lines[self._rank][place] = number

    def _receive(self, other: int) -> Heartbeat:
        return Heartbeat(*self._lines[other][HEARTBEAT])

    def gathered(self, own: bytes) -> list[bytes]:
        """What all processes send, in the order of their ranks."""
        pieces: list[list[bytes]] = [[] for _ in range(self._size)]
        self._lines[self._rank][LENGTH] = len(own)
        start, end = 0, 1
        while start < end:
            piece = own[start : start + PIECE]
            if piece:
                self._bytes[self._rank][: len(piece)].copy_(torch.frombuffer(bytearray(piece), dtype=torch.uint8))
            self._barrier(TO_GATHER)
            lengths = [line[LENGTH] for line in self._lines]
            for place, length, found in zip(self._bytes, lengths, pieces, strict=False):
                if start < length:
                    found.append(place[: min(PIECE, length - start)].numpy().tobytes())
            self._barrier(TO_GATHER)
            start, end = start + PIECE, max(lengths)
        return [b"".join(found) for found in pieces]

    def offers(self, num_chunks: int, num_threads: int) -> None:
        """Offers so many chunks of this process; to be called before all processes synchronize."""
        line = self._lines[self._rank]
        line[CHUNKS], line[TAKEN], line[THREADS] = num_chunks, 0, num_threads

    def threads_of(self, other: int) -> int:
        """The number of threads by which that process takes its chunks."""
        return self._lines[other][THREADS]

    def take_from(self, other: int) -> int | None:
        """Takes the next free chunk of that process, counted from 0; None if there is none."""
        line, byte = self._lines[other], self._size + other  # the lower bytes are the processes' locks
        with self._turn:  # the system's lock is shared by all threads of a process
            fcntl.lockf(self._file, fcntl.LOCK_EX, 1, byte)
            try:
                taken: int = line[TAKEN]
                if taken == line[CHUNKS]:
                    return None
                line[TAKEN] = taken + 1
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN, 1, byte)
        return taken

    def zeros(self, num: int, dtype: torch.dtype) -> Vector | None:
        """A vector in the shared memory, if it fits; all processes must ask for the same ones in the same order."""
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
        """Sums the vectors of all processes, in place, in the order of their ranks: all get the same bits."""
        lying = self._lying.get((vector.data_ptr(), len(vector)))
        if lying is not None:
            return self._sum_where_it_lies_(*lying)
        for piece in vector.split(PIECE // vector.element_size()):
            mine, all_of_stretch, sum_of_stretch, sums = self._views_of(piece)
            mine.copy_(piece)
            self._barrier()
            _add_up(all_of_stretch, sum_of_stretch)
            self._barrier()
            piece.copy_(sums)
        return None

    def _sum_where_it_lies_(self, mine: Vector, everyone: list[Tensor], others: list[Tensor]) -> None:
        """The same for a vector in the shared memory: this process sums its segment and writes it to all."""
        self._barrier()
        total = mine if self._size == 2 else torch.empty_like(mine)  # in place, a third would miss its own
        _add_up(everyone, total)
        for one in others if self._size == 2 else everyone:
            one.copy_(total)
        self._barrier()

    def _stretch(self, num: int) -> slice:
        """This process's segment of so many numbers."""
        return slice(num * self._rank // self._size, num * (self._rank + 1) // self._size)

    def _views_of(self, piece: Vector) -> tuple[Tensor, list[Tensor], Tensor, Tensor]:
        """This process's piece; its segment of everyone's; where the sums of that go; all the sums."""
        key = piece.dtype, len(piece)
        if key not in self._views:
            *everyone, sums = [place[: piece.nbytes].view(piece.dtype) for place in self._bytes]
            stretch = self._stretch(len(piece))
            self._views[key] = everyone[self._rank], [one[stretch] for one in everyone], sums[stretch], sums
        return self._views[key]

    def _barrier(self, what: int = FOR_SUM) -> None:
        """Waits until all processes are here."""
        self._rounds[what] = number = self._rounds[what] + 1
        self._lines[self._rank][what] = number
        for other, line in enumerate(self._lines):
            if line[what] < number:
                self._wait_for(other, what, number)

    def _wait_for(self, other: int, what: int, number: int) -> None:
        """Polls busily, then less and less often."""
        line, end = self._lines[other], time.monotonic() + SPIN_SECONDS
        while line[what] < number:
            if time.monotonic() > end:
                self._wait_long_for(other, what, number)
                return
            os.sched_yield()

    def _wait_long_for(self, other: int, what: int, number: int) -> None:
        """Waits until that process has ended or has no heartbeat; then raises a `RanksError` with the reason."""
        line, started = self._lines[other], time.monotonic()
        next_look = started + LOOK_SECONDS
        with self.heartbeats.waiting() as look:
            while line[what] < number:
                now = time.monotonic()
                time.sleep(min(max(NAP_SECONDS, NAP_SHARE * (now - started)), LONGEST_NAP))
                if now > next_look:
                    next_look = now + LOOK_SECONDS
                    if not self._is_alive(other) and line[what] < number:
                        raise RanksError(
                            f"all ranks must stay to the end, got no more from rank {other}, which has ended; "
                            "see what it said last."
                        )
                    look([other])

    def _is_alive(self, other: int) -> bool:
        """Whether that process still holds its lock, which the system releases when it ends."""
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
