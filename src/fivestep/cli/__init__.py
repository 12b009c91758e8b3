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
"""New objects between two garbage collections, while a command works; Python's default is 700."""


UNWRITTEN = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)
"""The system's errors for a disk that cannot be written."""


def main() -> NoReturn:
    """The program `fivestep`: runs a command and exits with its code. Users see one sentence, never a traceback."""
    warnings.showwarning = _warn
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # it was closed, as by >&-
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  (open to the end)
        write_whatever(getattr(sys, name))
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # a read-only home: it has a fallback
    gc.disable()  # imports make a million objects, no garbage: collecting takes a quarter of their time
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)
    try:
        from ._app import run  # imported here, so that Ctrl-C is handled from the first moment

        code = run(sys.argv[1:], _begin_to_work)
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except OSError as error:  # BrokenPipeError: the reader of our output has gone, as in `fivestep tasks | head -1`
        if not isinstance(error, BrokenPipeError) and error.errno not in UNWRITTEN:
            raise
        code = _unwritten(error)
    gc.freeze()  # at exit Python would collect all of torch's objects once more, for half a second
    sys.exit(code)


def _leave(_signal: int, _frame: FrameType | None) -> NoReturn:
    """Ends the program at Ctrl-C while modules are imported, as some of them swallow exceptions and stay incomplete."""
    os._exit(INTERRUPTED)


def _unwritten(error: OSError) -> int:
    """Prints what could not be written, and drops pending standard output. Returns the exit code."""
    if not isinstance(error, BrokenPipeError):
        where = "" if error.filename is None else f" for {error.filename}"
        advice = "make room, and write the command again; a run or a sweep goes on with --resume"
        print(f"fivestep: the disk must take what is written, got {error.strerror}{where}; {advice}.", file=sys.stderr)  # noqa: T201
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FAILED


def write_whatever(stream: object) -> None:
    r"""Lets a stream write characters that its encoding lacks as \xfc, instead of raising an error."""
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")


def _begin_to_work() -> None:
    """From now on Ctrl-C raises again, and garbage is collected, except for what was imported."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    gc.freeze()
    gc.set_threshold(MANY_OBJECTS)
    gc.enable()


def _warn(message: Warning | str, *_where: object, **_more: object) -> None:
    """Prints a warning as one sentence, without its line of source; with several ranks, only the first one's."""
    if os.environ.get("RANK", "0") != "0":
        return
    print(f"fivestep: warning: {message}", file=sys.stderr)  # noqa: T201
