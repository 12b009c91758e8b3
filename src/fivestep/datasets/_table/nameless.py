"""A temporary file without a name, which several threads read and write at once, each at its place."""

import os
import tempfile
import weakref
from collections.abc import Sequence
from threading import Lock
from typing import final

HAS_PLACES = hasattr(os, "preadv") and hasattr(os, "pwrite")
"""Whether the system reads and writes at a place by itself. Windows has but one place in a file, which is sought."""


@final
class NamelessFile:
    """It goes with the process, or with the last one who holds it: a thread that reads has it until it is through.

    All methods raise an `OSError` where the disk does.
    """

    def __init__(self, folder: str) -> None:
        self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115  (open as long as this lives)
        weakref.finalize(self, self._file.close)
        self._lock = Lock()

    @property
    def size(self) -> int:
        """Its bytes, up to the last one that was written."""
        return os.fstat(self._file.fileno()).st_size

    def read(self, start: int, contents: Sequence[memoryview]) -> None:
        """Fills these, one after another, with the bytes from a place on."""
        for content in contents:
            done = 0
            while done < len(content):  # as much at a time as the system likes
                count = self._read_some(start + done, content[done:])
                if not count:
                    raise OSError("the file is shorter than what was written")
                done += count
            start += len(content)

    def write(self, start: int, contents: Sequence[memoryview]) -> None:
        """Writes these, one after another, from a place on."""
        for content in contents:
            done = 0
            while done < len(content):
                done += self._write_some(start + done, content[done:])
            start += len(content)

    def _read_some(self, start: int, content: memoryview) -> int:
        if HAS_PLACES:
            return os.preadv(self._file.fileno(), [content], start)
        with self._lock:
            self._file.seek(start)
            return self._file.readinto(content)

    def _write_some(self, start: int, content: memoryview) -> int:
        if HAS_PLACES:
            return os.pwrite(self._file.fileno(), content, start)
        with self._lock:
            self._file.seek(start)
            return self._file.write(content)
