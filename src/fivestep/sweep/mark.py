"""The marker file of a sweep's folder: it identifies the folder, and the sweep in it.

The storage may be elsewhere, and then nothing else in the folder tells to which sweep its table and its best run
belong.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w

from ..check import InputError, refuse
from ..machine.files import read_text, unwritable, write_text
from .ledger import check_same

MARK = "sweep.toml"
"""The name of the file; the command line stores its options in it too."""

LARGEST = 2**20
"""The most bytes of it that are read."""

ABOUT = "about"
"""The section that identifies the sweep."""


def check_mark(path: Path, about: Mapping[str, str]) -> None:
    """Raises an `InputError` if a folder belongs to another sweep than the one `about` describes."""
    if (path / MARK).exists():
        own = read_mark(path).get(ABOUT)
        if isinstance(own, dict):
            check_same(f"the folder {str(path)!r}", own, about, "--out")


def mark(path: Path) -> None:
    """Marks an empty folder as that of a sweep; another process may do so at the same time."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        if any(path.iterdir()) and not (path / MARK).exists():
            raise refuse("out", str(path), "a folder that is new, empty or of a sweep", "choose another name")
        (path / MARK).touch()
    except OSError as error:
        raise unwritable("out", path, error) from error


def keep_mark(path: Path, about: Mapping[str, str]) -> None:
    """Writes into a marked folder which sweep it belongs to, unless that is there; for one process at a time."""
    if not read_mark(path):
        write_mark(path, about, {})


def write_mark(path: Path, about: Mapping[str, str], more: Mapping[str, Any]) -> None:
    """Replaces a folder's marker by one with `about` and `more`."""
    write_text(path / MARK, tomli_w.dumps({**more, ABOUT: dict(about)}))


def read_mark(path: Path) -> dict[str, Any]:
    """The content of a folder's marker; raises an `InputError` if it is not TOML."""
    try:
        return tomllib.loads(read_text(path / MARK, LARGEST))
    except tomllib.TOMLDecodeError as error:
        raise InputError(
            f"{path / MARK} must be TOML, got {error}; repeat the sweep's command with another --out."
        ) from error
