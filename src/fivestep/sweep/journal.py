"""The journal of a sweep: a file of one line for each change, which several processes append to.

It has the format of Optuna's own journal files, so that Optuna's tools can read it. It differs in how it survives a
kill: the lock is the system's, released with the process that holds it; and a partial line left by a killed process or
a full disk is cut off before the next one is written.
"""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, final

from filelock import FileLock
from optuna.storages.journal import BaseJournalBackend

from ..check import InputError, StorageError

SECONDS = 1.0
"""The least time between two flushes to the disk: a power failure loses about as much, a kill nothing."""

BEGINNING = b'{"op_code":'
"""The first bytes of a journal, also of Optuna's own; a killed process may have left a part of them."""

POLL = 0.002
"""Seconds between two attempts to take the lock, which is held for a tenth of that."""


@final
class Journal(BaseJournalBackend):
    """A journal in a file, for `optuna.storages.JournalStorage`; raises an `InputError` for a file of another kind."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._places = [0]  # the offset of each line read so far
        self._synced_at = 0.0
        with path.open("a+b") as file:  # creates the file
            file.seek(0)
            begun = file.read(len(BEGINNING))
        if not BEGINNING.startswith(begun):  # else appending would cut off what follows its last line
            raise InputError(
                f"{path} must be the journal of a sweep, or a new file, got one that begins with {begun!r}; choose "
                f"another, or write a database as its URL, such as sqlite:///sweeps.db."
            )
        self._lock = FileLock(path.with_name(path.name + ".lock"))

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """The parsed lines from that number on."""
        with self._path.open("rb") as file:
            number = min(log_number_from, len(self._places) - 1)
            file.seek(self._places[number])
            for line in file:
                if not line.endswith(b"\n"):
                    break  # being written, or left by a killed process
                number += 1
                if number == len(self._places):
                    self._places.append(self._places[-1] + len(line))
                if number > log_number_from:
                    yield self._said(line, number)

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Appends a line for each log; raises a `StorageError` if that is not possible."""
        text = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs)
        try:
            with self._lock.acquire(poll_interval=POLL), self._path.open("r+b") as file:
                _cut_off_half_a_line(file)
                file.write(text.encode())
                file.flush()
                if time.monotonic() > self._synced_at + SECONDS:
                    os.fsync(file.fileno())
                    self._synced_at = time.monotonic()
        except OSError as error:
            raise StorageError(
                f"{self._path} must be a file that can be written, got {error.strerror or error}; fix that, then go on"
                f" with: fivestep sweep --resume {self._path.parent}"
            ) from error

    def _said(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            said: dict[str, Any] = json.loads(line)
            said["op_code"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise InputError(
                f"{self._path} must be the journal of a sweep, got {line[:40]!r} in line {number}; begin a new sweep."
            ) from error
        return said


def _cut_off_half_a_line(file: Any) -> None:
    """Truncates the file after its last complete line, and seeks to its end."""
    end = place = file.seek(0, os.SEEK_END)
    while place > 0:
        before = max(0, place - 4096)
        file.seek(before)
        found = file.read(place - before).rfind(b"\n")
        if found >= 0:
            place = before + found + 1
            break
        place = before
    if place < end:
        file.truncate(place)
    file.seek(place)
