"""The command line, one file per command. Nothing heavy is imported before a command runs."""

import errno
import gc
import logging
import os
import signal
import sys
import warnings
from io import TextIOWrapper
from types import FrameType
from typing import NoReturn

DONE, FAILED, BAD_INPUT, INTERRUPTED, TERMINATED = 0, 1, 2, 130, 143
"""Exit codes: the work is done, the work failed, bad usage or input, Ctrl-C, SIGTERM."""


MANY_OBJECTS = 100_000
"""New objects between two searches for garbage, while a command works; Python's own number is 700."""


UNWRITTEN = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)
"""What the system says of a disk that takes no more, or not now."""


def main() -> NoReturn:
    """The program `fivestep`: runs the command and exits with its code. People see one sentence, never a traceback."""
    warnings.showwarning = _warn
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # it was closed, as by >&-
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  (open to the end)
        write_whatever(getattr(sys, name))
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # of a home that is read-only, where it helps itself
    gc.disable()  # imports make a million objects and no garbage: to search them takes a quarter of their time
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)
    try:
        from ._app import run  # here, where Ctrl-C has a place to go from the first moment

        code = run(sys.argv[1:], _begin_to_work)
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except OSError as error:  # BrokenPipeError: whoever read our output has gone, as in `fivestep tasks | head -1`
        if not isinstance(error, BrokenPipeError) and error.errno not in UNWRITTEN:
            raise
        code = _unwritten(error)
    gc.freeze()  # at the end Python searches all that torch has made once more, half a second long, for nobody
    sys.exit(code)


def _leave(_signal: int, _frame: FrameType | None) -> NoReturn:
    """Ends the program at Ctrl-C while modules are imported, some of which swallow an exception and are half there."""
    os._exit(INTERRUPTED)


def _unwritten(error: OSError) -> int:
    """Says what could not be written, and drops what still waits for standard output. Returns the exit code."""
    if not isinstance(error, BrokenPipeError):
        where = "" if error.filename is None else f" for {error.filename}"
        advice = "make room, and write the command again; a run or a sweep goes on with --resume"
        print(f"fivestep: the disk must take what is written, got {error.strerror}{where}; {advice}.", file=sys.stderr)  # noqa: T201
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FAILED


def write_whatever(stream: object) -> None:
    r"""Lets a stream write what its encoding has no letters for as \xfc, where that would be an error."""
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")


def _begin_to_work() -> None:
    """From here on Ctrl-C is an exception again, and Python searches for garbage, but not through what was imported."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    gc.freeze()
    gc.set_threshold(MANY_OBJECTS)
    gc.enable()


def _warn(message: Warning | str, *_where: object, **_more: object) -> None:
    """A warning as one sentence, without the line of source that it came from; of several ranks, the first one's."""
    if os.environ.get("RANK", "0") != "0":
        return
    print(f"fivestep: warning: {message}", file=sys.stderr)  # noqa: T201
