"""Warnings of watched code name the line that they would name otherwise."""

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from types import FrameType
from typing import Any

HOME = str(Path(__file__).parent) + os.sep
DETOUR = os.path.join("torch", "overrides.py")


@contextmanager
def warnings_in_place() -> Iterator[None]:
    """A context in which `stacklevel` does not count the calls that exist only because a function is watched."""
    own = warnings.warn

    @wraps(own)
    def warn(
        message: str | Warning, category: type[Warning] | None = None, stacklevel: int = 1, *args: Any, **kwargs: Any
    ) -> None:
        own(message, category, 1 + stacklevel + _num_ours(sys._getframe(1), stacklevel), *args, **kwargs)

    warnings.warn = warn
    try:
        yield
    finally:
        if warnings.warn is warn:
            warnings.warn = own


def _num_ours(frame: FrameType, levels: int) -> int:
    """How many calls of the detour lie within that many levels of other calls.

    A watched torch function calls `torch.overrides`, that calls the doctor, and that calls the same function again.
    """
    number, at, is_back = 0, frame.f_back, False
    inner = frame.f_code
    for _ in range(levels - 1):
        while at is not None and (_is_ours(at) or (is_back and at.f_code is inner)):
            is_back = _is_ours(at)
            number, at = number + 1, at.f_back
        if at is None:
            return number
        inner, at, is_back = at.f_code, at.f_back, False
    return number


def _is_ours(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(HOME) or frame.f_code.co_filename.endswith(DETOUR)
