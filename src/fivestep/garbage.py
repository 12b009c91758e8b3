"""Python's search for objects that hold each other, put off while objects of thousands are made that do not."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Inside, Python does not search. Begun by the number of new objects, it looks at all that torch made: 0.1 s."""
    searches = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searches:
            gc.enable()
