"""Files written whole or not at all, tensors read without running code, and folders for runs."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from .check import InputError, refuse


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` to write to; at the end it takes the place of `path` in one move."""
    temporary = path.with_name(path.name + ".part")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Writes a file of text, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Writes tensors by name in the safetensors format, from whatever device they are on."""
    copies = {name: tensor.detach().cpu().clone() for name, tensor in tensors.items()}
    with replacing(path) as temporary:
        save_file(copies, temporary, metadata={"format": "pt", **metadata})


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file, on the CPU, or an `InputError` that names the file."""
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path} must be a safetensors file, got {error}; train again.") from error


def read_metadata(path: Path) -> dict[str, str]:
    """The texts beside the tensors of a safetensors file, or an `InputError` that names the file."""
    try:
        with safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {})
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path} must be a safetensors file, got {error}; train again.") from error


def next_folder(parent: Path, name: str) -> Path:
    """A new folder `parent/name-1`, or with the next number that is free."""
    number = 1
    while True:
        path = parent / f"{name}-{number}"
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            number += 1
        except OSError as error:
            raise _unwritable(path, error) from error
        else:
            return path


def empty_folder(path: Path) -> Path:
    """That folder, made if it is not there; raises an `InputError` if it holds something or cannot be written."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        if any(path.iterdir()):
            raise refuse("out", str(path), "a folder that is new or empty", "choose another name, or remove it first")
        with replacing(path / "config.toml") as temporary:
            temporary.touch()
        (path / "config.toml").unlink()
    except OSError as error:
        raise _unwritable(path, error) from error
    return path


def _unwritable(path: Path, error: OSError) -> InputError:
    return InputError(
        f"out must be a folder that can be written, got {str(path)!r} ({error.strerror}); choose another one."
    )
