"""Python's search for objects that refer to each other, put off while many objects are made that do not."""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import final


@final
class _Inside:
    """How many are inside, in all threads, and whether Python searched before the first of them came."""

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
    """Inside, Python does not search. A search begins after so many new objects, and looks at all of torch's: 0.1 s.

    Threads may be inside at the same time: Python searches again once the last one has left.
    """
    _inside.come()
    try:
        yield
    finally:
        _inside.leave()
