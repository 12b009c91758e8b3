"""Python's cyclic garbage collection, paused while many objects without cycles are made."""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import final


@final
class _Inside:
    """How many threads are inside, and whether the collector was enabled before the first of them."""

    def __init__(self) -> None:
        self._lock, self._count, self._searches = threading.Lock(), 0, False

    def come(self) -> None:
        with self._lock:
            if self._count == 0:
                self._searches = gc.isenabled()
                gc.disable()
            self._count += 1

    def leave(self) -> None:
        with self._lock:
            self._count -= 1
            if self._count == 0 and self._searches:
                gc.enable()


_inside = _Inside()


@contextmanager
def uncollected() -> Iterator[None]:
    """A context without garbage collection. One begins after so many new objects, and visits all of torch's: 0.1 s.

    Threads may be inside at the same time: it is enabled again once the last one has left.
    """
    _inside.come()
    try:
        yield
    finally:
        _inside.leave()
