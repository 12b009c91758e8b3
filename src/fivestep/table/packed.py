"""Compressed text files, unpacked while they are read."""

import bz2
import gzip
import lzma
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..check import InputError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

OPENERS: Mapping[str, Any] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open, ".zst": zstd.open}
"""The function that opens a file with that suffix."""

DAMAGES = (OSError, EOFError, lzma.LZMAError, zlib.error, zstd.ZstdError)
"""The exceptions of these functions for a damaged file."""


def ending_of(path: Path) -> str:
    """The suffix that gives a file's format: the last one, or the one before a compression suffix."""
    suffix = path.suffix.lower()
    return Path(path.stem).suffix.lower() if suffix in OPENERS else suffix


def stem_of(path: Path) -> str:
    """The name of a file without its suffix, or its two suffixes if compressed."""
    return Path(path.stem).stem if path.suffix.lower() in OPENERS else path.stem


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """A context with the file itself, or a temporary unpacked copy if it is compressed.

    What is wrong with the copy is said of the file. Raises whatever the libraries raise for a damaged one, and an
    `InputError` for an empty one.
    """
    opener = OPENERS.get(path.suffix.lower())
    if opener is None:
        check_not_empty(path)
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="fivestep-") as folder:
        copy = Path(folder) / path.stem
        with opener(path) as source, copy.open("wb") as target:
            shutil.copyfileobj(source, target, 2**20)
        try:
            check_not_empty(copy)
            yield copy
        except InputError as error:
            raise InputError(str(error).replace(str(copy), str(path))) from error


def check_not_empty(path: Path) -> None:
    """Raises an `InputError` for a file without a byte, of which each reader would say something else."""
    if path.stat().st_size == 0:
        raise InputError(f"{path} must hold a table, got an empty file; check how it was written.")
