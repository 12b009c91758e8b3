"""The processes that share a sweep, and which of them are alive.

Each worker regularly increases a counter in the storage, and holds a system lock in the sweep's folder as long as its
process lives. Processes with access to the folder see at once, from the lock, that a worker was killed. Others, such as
another machine with the same database, see that its counter no longer moves. That is timed by the observer's own clock,
so the clocks of two machines need not agree.
"""

import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self, final

from filelock import FileLock, Timeout

from ..machine.files import unwritable

SECONDS = 10.0
"""Seconds between two counts of a worker."""

GRACE = 60.0
"""Seconds without a count after which a worker without a lock here is considered dead."""


@final
class Worker:
    """This process as a worker of a sweep in a folder; it counts as alive inside `with`."""

    def __init__(self, folder: Path) -> None:
        self.name = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._file = _file(folder, self.name)
        self._lock = FileLock(self._file, timeout=0, thread_local=False)

    def __enter__(self) -> Self:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except OSError as error:
            raise unwritable("out", self._file.parent.parent, error) from error
        except NotImplementedError:
            self._file.unlink(missing_ok=True)  # no locks in this file system: only the counter tells
        return self

    @contextmanager
    def counting(self, beat: Callable[[int], None]) -> Iterator[None]:
        """A context in which a thread calls `beat` with a growing number every few seconds."""
        beat(0)
        is_over = threading.Event()
        thread = threading.Thread(target=_count, args=(beat, is_over), daemon=True)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()
        self._file.unlink(missing_ok=True)


def _count(beat: Callable[[int], None], is_over: threading.Event) -> None:
    number = 0
    while not is_over.wait(SECONDS):
        number += 1
        with suppress(Exception):  # the storage is briefly out of reach; the work itself will report it
            beat(number)


@final
class Watch:
    """Tells which workers have died, for a process that reads the storage from time to time."""

    def __init__(self, folder: Path, own: str) -> None:
        self._folder, self._own = folder, own
        self._seen: dict[str, tuple[int, float]] = {}

    def is_lost(self, worker: str, counts: Mapping[str, int]) -> bool:
        """Whether a worker that has not finished has died."""
        if worker == self._own:
            return False
        file = _file(self._folder, worker)
        if file.exists():
            return _is_free(file)
        count, now = counts.get(worker, -1), time.monotonic()
        if self._seen.setdefault(worker, (count, now))[0] != count:
            self._seen[worker] = (count, now)
        return now - self._seen[worker][1] > GRACE


def _file(folder: Path, worker: str) -> Path:
    """The lock file of a worker, whose name comes from a storage that others write to."""
    safe = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in worker)
    return folder / "workers" / f"{safe}.lock"


def _is_free(file: Path) -> bool:
    """Whether a lock is not held; if so, its former holder cannot hold it again."""
    lock = FileLock(file, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        return False
    except (OSError, NotImplementedError):
        return False
    lock.release()
    return True
