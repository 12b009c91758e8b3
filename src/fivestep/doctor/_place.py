"""The current line of the user's own code."""

import dis
import functools
import linecache
import os
import sys
import sysconfig
import traceback
from pathlib import Path
from types import CodeType, FrameType

import torch

from ._events import Place

OURS = tuple(str(folder) + os.sep for folder in (Path(torch.__file__).parent, Path(__file__).parents[1]))
"""The folders of torch and fivestep, which are never the user's code."""

OTHERS = tuple(sysconfig.get_path(name) + os.sep for name in ("purelib", "platlib", "stdlib"))
"""The folders of installed packages: a line there is named only if there is none of the user's own."""


def here() -> Place | None:
    """The innermost line outside torch, this package and installed packages; else outside the first two."""
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


def instruction_here() -> int:
    """Which instruction of the user's own code is at work: tells two calls on one line apart."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _rank(frame.f_code.co_filename):
        frame = frame.f_back
    return -1 if frame is None else frame.f_lasti


def is_used_here() -> bool:
    """Whether the code outside torch and this package does something with the answer of what it calls.

    Not if the call is a whole statement, or its answer is assigned to `_`.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _rank(frame.f_code.co_filename) == 2:
        frame = frame.f_back
    return frame is None or _is_used(frame.f_code, frame.f_lasti)


@functools.lru_cache(maxsize=1_000)
def _is_used(code: CodeType, call: int) -> bool:
    """Whether the instruction after a call neither removes its answer from the stack nor names it `_`."""
    following = next((one for one in dis.get_instructions(code) if one.offset > call), None)
    if following is None:
        return True
    is_dropped = following.opname == "POP_TOP"
    return not is_dropped and not (following.opname.startswith("STORE_") and following.argval == "_")


def place_of(error: BaseException) -> Place | None:
    """The innermost line of the user's own code that an error passed through."""
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
    """A place as text: the relative path, the line number, and the line itself."""
    path = Path(place.file)
    inside = path.is_absolute() and path.is_relative_to(Path.cwd())
    name = str(path.relative_to(Path.cwd())) if inside else place.file
    return f"{name}:{place.line}" + (f"  {place.code}" if place.code else "")
