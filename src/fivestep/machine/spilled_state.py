"""A state of an engine in a temporary file, for networks of which a second copy may not fit into memory."""

import os
import tempfile
import time
import weakref
from collections.abc import Iterator, Mapping
from typing import NamedTuple, final

import torch
from torch import Tensor

from ..typing import Shape, Tensors
from .due import Due
from .files import own_bytes


class Place(NamedTuple):
    """A tensor's offset in the file, in bytes, and its type and shape."""

    start: int
    shape: Shape
    dtype: torch.dtype


@final
class SpilledState(Mapping[str, Tensor]):
    """The tensors of the last state that was stored, read one by one, and its number of steps.

    The file has no name and disappears with the process. It lies in `TMPDIR`, by default in `/var/tmp`, as on many
    systems `/tmp` is memory. Raises an `OSError` if it cannot be created.
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(dir=folder_for_large_files())  # noqa: SIM115  (open as long as this lives)
        weakref.finalize(self, self._file.close)
        self._places: dict[str, Place] = {}
        self._due = Due()
        self.num_updates = 0

    @property
    def is_due(self) -> bool:
        """Whether enough time has passed since the last writing."""
        return self._due.is_now

    def put(self, state: Tensors, num_updates: int) -> None:
        """Replaces the stored state; raises an `OSError` if there is no room on the disk."""
        started = time.monotonic()
        self._places, self.num_updates = {}, num_updates
        self._file.seek(0)
        for name, tensor in state.items():
            self._places[name] = Place(self._file.tell(), tuple(tensor.shape), tensor.dtype)
            self._file.write(own_bytes(tensor))
        self._file.flush()
        self._due.written(started)

    def __getitem__(self, name: str) -> Tensor:
        start, shape, dtype = self._places[name]
        tensor = torch.empty(shape, dtype=dtype)
        self._file.seek(start)
        read = self._file.readinto(own_bytes(tensor)) if tensor.nbytes else 0
        assert read == tensor.nbytes, "the file is ours alone"
        return tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def folder_for_large_files() -> str:
    """The folder for large temporary files, unless the user chose one."""
    if "TMPDIR" not in os.environ and os.access("/var/tmp", os.W_OK):
        return "/var/tmp"
    return tempfile.gettempdir()
