"""The mark of a sweep's folder: it tells the folder from any other, and whose sweep is in it.

A storage may lie elsewhere, and then nothing else in the folder says which sweep its table and its best run are of.
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
"""The file; the command line keeps its options in it too."""

LARGEST = 2**20
"""Bytes of it that are read at most."""

ABOUT = "about"
"""The table of what makes it this sweep and no other."""


def check_mark(path: Path, about: Mapping[str, str]) -> None:
    """Raises an `InputError` if a folder says that another sweep than the one `about` tells of is in it."""
    if (path / MARK).exists():
        own = read_mark(path).get(ABOUT)
        if isinstance(own, dict):
            check_same(f"the folder {str(path)!r}", own, about, "--out")


def mark(path: Path) -> None:
    """Marks a folder as that of a sweep, before anything else is in it: another process may do so at the same time."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        if any(path.iterdir()) and not (path / MARK).exists():
            raise refuse("out", str(path), "a folder that is new, empty or of a sweep", "choose another name")
        (path / MARK).touch()
    except OSError as error:
        raise unwritable("out", path, error) from error


def keep_mark(path: Path, about: Mapping[str, str]) -> None:
    """Says in a marked folder whose it is, if nobody has; for one process at a time."""
    if not read_mark(path):
        write_mark(path, about, {})


def write_mark(path: Path, about: Mapping[str, str], more: Mapping[str, Any]) -> None:
    """Says in a folder whose it is, and `more`, in place of what it says now."""
    write_text(path / MARK, tomli_w.dumps({**more, ABOUT: dict(about)}))


def read_mark(path: Path) -> dict[str, Any]:
    """What a folder says. Raises an `InputError` if that is not TOML."""
    try:
        return tomllib.loads(read_text(path / MARK, LARGEST))
    except tomllib.TOMLDecodeError as error:
        raise InputError(
            f"{path / MARK} must be TOML, got {error}; repeat the sweep's command with another --out."
        ) from error
