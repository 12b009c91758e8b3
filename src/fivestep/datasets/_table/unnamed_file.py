"""A temporary file without a name, which several threads read and write at once at different offsets."""

import os
import tempfile
import weakref
from collections.abc import Sequence
from threading import Lock
from typing import final

HAS_PLACES = hasattr(os, "preadv") and hasattr(os, "pwrite")
"""Whether the system can read and write at an offset. Windows only has one position per file, which must be set."""


@final
class UnnamedFile:
    """A file that disappears with its last reference, such as that of a reading thread, or with the process.

    All methods raise an `OSError` if the disk fails.
    """

    def __init__(self, folder: str) -> None:
        self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115  (open as long as this lives)
        weakref.finalize(self, self._file.close)
        self._lock = Lock()

    @property
    def size(self) -> int:
        """Its size in bytes, up to the last one written."""
        return os.fstat(self._file.fileno()).st_size

    def read(self, start: int, contents: Sequence[memoryview]) -> None:
        """Fills buffers, one after another, with the bytes from an offset on."""
        for content in contents:
            done = 0
            while done < len(content):  # the system may transfer less at a time
                count = self._read_some(start + done, content[done:])
                if not count:
                    raise OSError("the file is shorter than what was written")
                done += count
            start += len(content)

    def write(self, start: int, contents: Sequence[memoryview]) -> None:
        """Writes buffers, one after another, from an offset on."""
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
