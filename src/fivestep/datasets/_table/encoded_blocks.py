"""Encoded blocks of a stream in a temporary file, so that files are decoded in one epoch only."""

import os
import shutil
from collections.abc import Sequence
from itertools import accumulate
from threading import Lock
from typing import NamedTuple, final

import torch
from torch import Tensor

from ...check import warn
from ...machine.files import own_bytes
from ...machine.memory import is_memory
from ...machine.spilled_state import folder_for_large_files
from .unnamed_file import UnnamedFile

SHARE_OF_DISK = 0.5
"""The largest share of the free disk space for the file."""


class _Format(NamedTuple):
    """What a row takes: bytes in all, its targets' type and shape, and the type of its weight, where rows have one."""

    size: int
    y: torch.dtype
    targets: torch.Size
    weight: torch.dtype | None


@final
class EncodedBlocks:
    """Inputs, targets and weights of blocks, written to a file if they are needed again.

    So the first of several epochs decodes the files, and a single one writes nothing. `counts` are the rows of each
    block. The file has no name and goes with the process; it lies in `TMPDIR`, by default in `/var/tmp`. Where that is
    memory, has too little room, or fails, nothing is kept: the same bits come, from the files themselves. A warning
    says so where a file was begun or promised. Threads may call both methods at once, and lock only the index. A forked
    process caches nothing: the file is its parent's.
    """

    def __init__(self, counts: Sequence[int]) -> None:
        self._counts, self._starts = tuple(counts), list(accumulate(counts, initial=0))
        self._seen: set[int] = set()
        self._kept: set[int] = set()
        self._empty: dict[int, tuple[Tensor, Tensor | None]] = {}
        self._format: _Format | None = None
        self._file: UnnamedFile | None = None
        self._is_over, self._is_promised = False, False
        self._lock, self._owner = Lock(), os.getpid()

    def __reduce__(self) -> "tuple[type[EncodedBlocks], tuple[tuple[int, ...]]]":
        return EncodedBlocks, (self._counts,)  # a copy begins empty: the file belongs to this one

    def room(self, bytes_of_row: int) -> tuple[str, int] | None:
        """The folder of the file and the bytes it comes to, where rows take so many; None where nothing is kept.

        Each rank on this machine has a file of its own: the bytes are those of all.
        """
        found = self._room(bytes_of_row)
        self._is_promised = found is not None
        return found

    def _room(self, bytes_of_row: int) -> tuple[str, int] | None:
        size = self._starts[-1] * bytes_of_row * int(os.environ.get("LOCAL_WORLD_SIZE") or 1)
        try:
            folder = folder_for_large_files()
            return None if is_memory(folder) or size > _free(folder) else (folder, size)
        except OSError:  # no folder for such files, or one that is not there
            return None

    def get(self, block: int, x: Tensor) -> tuple[Tensor, Tensor | None] | None:
        """Targets and weights (N,) of a block, and its inputs written to `x` (N, ...); None if it is not kept."""
        if os.getpid() != self._owner:  # before the lock, which another thread may have held when this process began
            return None
        with self._lock:
            if block in self._empty:
                return self._empty[block]
            file, of_row = self._file, self._format
            if block not in self._kept or file is None or of_row is None:
                return None
        y = torch.empty(len(x), *of_row.targets, dtype=of_row.y)
        weight = None if of_row.weight is None else torch.empty(len(x), dtype=of_row.weight)
        try:
            file.read(self._starts[block] * of_row.size, _contents(x, y, weight))
        except OSError as error:
            self._stop(error)
            return None
        return y, weight

    def put(self, block: int, x: Tensor, y: Tensor, weight: Tensor | None, *, comes_again: bool = False) -> None:
        """Keeps what was read of a block, if there is room and it is read again, or was read before, by another run."""
        if os.getpid() != self._owner:
            return
        contents = _contents(x, y, weight)
        try:
            with self._lock:
                if self._is_over or not (comes_again or block in self._seen):
                    self._seen.add(block)
                    return
                if not len(x):  # all rows of the block are held out
                    self._empty[block] = y, weight
                    return
                size = sum(map(len, contents)) // len(x)
                file = self._opened(_Format(size, y.dtype, y.shape[1:], None if weight is None else weight.dtype))
            file.write(self._starts[block] * size, contents)
        except OSError as error:
            self._stop(error)
            return
        with self._lock:
            if file is self._file:
                self._kept.add(block)

    def _opened(self, of_row: _Format) -> UnnamedFile:
        """The file, begun with the first block; raises an `OSError` where there can be none."""
        if self._file is None:
            room = self._room(of_row.size)
            if room is None:
                raise OSError("too little room is left")
            self._file, self._format = UnnamedFile(room[0]), of_row
        return self._file

    def _stop(self, error: OSError) -> None:
        """Releases the file once it is no longer read, and caches nothing from then on."""
        with self._lock:
            is_news = not self._is_over and (self._is_promised or self._file is not None)
            self._is_over, self._file = True, None
            self._kept.clear()
            self._empty.clear()
        if is_news:
            warn(
                f"encoded rows are kept no longer, got {error.strerror or error}; every epoch decodes the files from "
                f"here on, to the same numbers."
            )


def _free(folder: str) -> float:
    return SHARE_OF_DISK * shutil.disk_usage(folder).free


def _contents(x: Tensor, y: Tensor, weight: Tensor | None) -> list[memoryview]:
    """Their bytes as they lie in memory."""
    assert x.is_contiguous(), "what is read must not go to a copy"
    return [own_bytes(part) for part in (x, y, weight) if part is not None]
