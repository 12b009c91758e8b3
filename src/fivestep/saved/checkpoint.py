"""A run between two steps as one file; a folder keeps the last two.

The file is in the safetensors format, tensors and text. Its metadata hold "about", a text in JSON, and "checksum", the
SHA-256 of the whole file with zeros in place of the checksum itself. It holds all that a run needs to resume:
everything else in the run's folder can be written from it.
"""

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from mmap import mmap
from pathlib import Path
from typing import Any, NamedTuple, final

from torch import Tensor

from ..check import InputError, InWords, StorageError, refuse
from ..engines._engine import Engine
from ..epoch import Epoch
from ..machine.due import Due
from ..machine.files import (
    Stored,
    is_intact,
    locked,
    mapped,
    metadata_in,
    read_bytes,
    tensors_in,
    unwritable,
    write_sealed,
)
from ..machine.memory import memory_size
from ..progress import Progress
from ..typing import Tensors
from .history import history_tensors

VERSION = 1
"""Version of the file's content; a checkpoint of another version is refused."""

KEPT = 2
"""Checkpoints in a folder: the last one, and the one before it in case the last one is damaged."""

ENGINE = "engine."
"""Prefix of the names of the engine's tensors."""

NAME = re.compile(r"step-\d{12,}\.safetensors")


class Checkpoint(NamedTuple):
    """What a checkpoint file holds: plain values and tensors by name."""

    about: dict[str, Any]
    tensors: dict[str, Tensor]


def write_checkpoint(path: Path, about: Mapping[str, Any], tensors: Tensors) -> None:
    """Writes the file atomically; raises an `OSError` if that is not possible."""
    write_sealed(path, tensors, {"fivestep_checkpoint": str(VERSION), "about": json.dumps(about)})


def read_checkpoint(path: Path) -> Checkpoint:
    """The content of the file; raises an `InputError` that names it if a single bit differs from what was written."""
    content = read_bytes(path, memory_size())
    text = _texts_in(content, path)
    if text.get("fivestep_checkpoint") != str(VERSION):
        raise refuse(f"the version of {path}", text.get("fivestep_checkpoint"), str(VERSION), "use the same fivestep")
    try:
        return Checkpoint(json.loads(text["about"]), tensors_in(content, path))
    except (ValueError, KeyError, RecursionError) as error:
        raise InputError(f"{path} must be a checkpoint of a run, got {error!r}; train again.") from error


def _texts_in(content: bytes | mmap, path: Path) -> dict[str, str]:
    if not is_intact(content):
        raise InputError(f"{path} must be a checkpoint as fivestep wrote it, got damaged bytes.")
    return metadata_in(content, path)


def checkpoints_in(folder: Path) -> list[Path]:
    """The checkpoints in a run's folder, the newest first."""
    inside = folder / "checkpoints"
    if inside.is_symlink():
        raise refuse(str(inside), InWords("a symbolic link"), "a folder of its own", "put the folder itself there")
    found = [path for path in inside.iterdir() if NAME.fullmatch(path.name)] if inside.is_dir() else []
    return sorted(found, key=lambda path: int(path.name[5:-12]), reverse=True)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """A context in which no other process trains in the run's folder; raises an `InputError` if one already does."""
    checkpoints_in(folder)  # does not follow a link
    try:
        (folder / "checkpoints").mkdir(exist_ok=True)
    except OSError as error:
        raise unwritable("RUN", folder, error) from error
    lock = locked(folder / "checkpoints" / "lock")
    try:
        yield
    finally:
        lock.release()


def no_longer_writable(folder: Path, step: int, error: OSError) -> StorageError:
    """The error for a run whose folder can no longer be written."""
    return StorageError(
        f"{folder} must be a folder that can be written, got {error.strerror or error} at step {step:,}; "
        f"fix that, then go on with: fivestep train --resume {folder}"
    )


@final
class Checkpoints:
    """Writes the checkpoints of a run, and keeps the last two.

    `about` and `tensors` do not change while it runs; `last` is the checkpoint that the run was resumed from. Where
    ranks train together, only that of the first rank is `writing`.
    """

    def __init__(
        self,
        folder: Path,
        about: Mapping[str, Any],
        tensors: Tensors | None = None,
        last: Path | None = None,
        *,
        writing: bool = True,
    ) -> None:
        self._folder, self._about, self._tensors, self._writing = folder, about, tensors or {}, writing
        self._kept = [] if last is None else [last]
        self._due = Due()
        self._intact: Path | None = None

    def are_due(self) -> bool:
        """Whether enough time has passed since the last one."""
        return self._writing and self._due.is_now

    def last_state(self) -> tuple[Tensors, int]:
        """The engine's state in the last checkpoint, read tensor by tensor, and its number of steps.

        The checksum is verified only the first time, as for a large network it takes seconds.
        """
        path = self._kept[-1]
        with mapped(path) as content:
            texts = metadata_in(content, path) if path == self._intact else _texts_in(content, path)
        self._intact, about = path, json.loads(texts["about"])
        return Stored(path, ENGINE), about["position"]["step"]

    def write(self, engine: Engine, progress: Progress) -> float:
        """Writes a checkpoint between two steps, and returns the seconds it took; may raise a `StorageError`."""
        if not self._writing:
            return 0.0
        started = time.monotonic()
        path = self._folder / "checkpoints" / f"step-{engine.num_updates:012d}.safetensors"
        try:
            path.parent.mkdir(exist_ok=True)
            if path == self._intact:
                self._intact = None  # the new file has not been verified
            about, tensors = snapshot(engine, progress)
            write_checkpoint(path, {**self._about, **about}, {**self._tensors, **tensors})
            self._kept = [*(kept for kept in self._kept if kept != path), path][-KEPT:]
            for other in path.parent.iterdir():
                if other not in self._kept and NAME.fullmatch(other.name.removesuffix(".part")):
                    other.unlink()
        except OSError as error:
            raise no_longer_writable(self._folder, engine.num_updates, error) from error
        return self._due.written(started)


def snapshot(engine: Engine, progress: Progress) -> Checkpoint:
    """All that a run needs to resume; tensors are the engine's own, to be written before its next step."""
    position, tensors = position_of(engine, progress, copied=False)
    return Checkpoint({"position": position}, {**tensors, **history_of(progress.history)})


def history_of(history: Sequence[Epoch]) -> dict[str, Tensor]:
    """The history of the epochs, as part of a checkpoint."""
    return {f"history.{name}": column for name, column in history_tensors(history).items()}


def position_of(engine: Engine, progress: Progress, *, copied: bool = True) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The rest of a run's state: its position, and its tensors."""
    state = engine.state(copied=copied)
    position = {
        "step": engine.num_updates,
        "lr": engine.lr,
        "epochs": progress.epochs,
        "num_rows": progress.num_rows,
        "seconds": progress.seconds,
        "on_device": [name for name, tensor in state.items() if tensor.device.type != "cpu"],
    }
    tensors = {
        **{f"{ENGINE}{name}": tensor for name, tensor in state.items()},
        **{f"best.{name}": tensor for name, tensor in progress.best.weights.items()},
        "since.losses": progress.losses,
    }
    return position, tensors
