"""The line of the user's own code that is at work."""

import functools
import linecache
import os
import sys
import sysconfig
import traceback
from pathlib import Path
from types import FrameType

import torch

from ._events import Place

OURS = tuple(str(folder) + os.sep for folder in (Path(torch.__file__).parent, Path(__file__).parents[1]))
"""torch and fivestep: never the user's."""

OTHERS = tuple(sysconfig.get_path(name) + os.sep for name in ("purelib", "platlib", "stdlib"))
"""Installed packages, such as one that holds the loop: named only where no line of the user's own is to be found."""


def here() -> Place | None:
    """The innermost line outside of torch, this package and installed packages; else outside of the first two."""
    frame: FrameType | None = sys._getframe(1)
    of_package = None
    while frame is not None:
        rank = _rank(frame.f_code.co_filename)
        if rank == 0:
            return _place(frame.f_code.co_filename, frame.f_lineno)
        if rank == 1 and of_package is None:
            of_package = _place(frame.f_code.co_filename, frame.f_lineno)
        frame = frame.f_back
    return of_package


def place_of(error: BaseException) -> Place | None:
    """The innermost line of the user's own that an error went through."""
    found = [
        _place(frame.f_code.co_filename, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if _rank(frame.f_code.co_filename) == 0
    ]
    return found[-1] if found else None


@functools.lru_cache(maxsize=10_000)
def _rank(file: str) -> int:
    if file.startswith(("<frozen", "<string", *OURS)):
        return 2
    return 1 if f"-packages{os.sep}" in file or file.startswith(OTHERS) else 0


@functools.lru_cache(maxsize=10_000)
def _place(file: str, line: int) -> Place:
    return Place(file, line, linecache.getline(file, line).strip())


def shown(place: Place) -> str:
    """As text: the file as it is called from here, the line, and what is written there."""
    path = Path(place.file)
    inside = path.is_absolute() and path.is_relative_to(Path.cwd())
    name = str(path.relative_to(Path.cwd())) if inside else place.file
    return f"{name}:{place.line}" + (f"  {place.code}" if place.code else "")
