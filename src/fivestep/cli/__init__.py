"""The command line, one file per command. Nothing heavy is imported before a command runs."""

import gc
import logging
import os
import sys
import warnings
from io import TextIOWrapper
from typing import NoReturn

DONE, FAILED, BAD_INPUT, INTERRUPTED, TERMINATED = 0, 1, 2, 130, 143
"""Exit codes: the work is done, the work failed, bad usage or input, Ctrl-C, SIGTERM."""


MANY_OBJECTS = 100_000
"""New objects between two searches for garbage, while a command works; Python's own number is 700."""


def main() -> NoReturn:
    """The program `fivestep`: runs the command and exits with its code. People see one sentence, never a traceback."""
    warnings.showwarning = _warn
    for stream in (sys.stdout, sys.stderr):
        write_whatever(stream)
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # of a home that is read-only, where it helps itself
    gc.disable()  # imports make a million objects and no garbage: to search them takes a quarter of their time
    try:
        from ._app import run  # here, where Ctrl-C has a place to go from the first moment

        code = run(sys.argv[1:], _search_what_is_new)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read our output has gone, as in `fivestep tasks | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = FAILED
    except KeyboardInterrupt:  # while modules were imported
        code = INTERRUPTED
    gc.freeze()  # at the end Python searches all that torch has made once more, half a second long, for nobody
    sys.exit(code)


def write_whatever(stream: object) -> None:
    r"""Lets a stream write what its encoding has no letters for as \xfc, where that would be an error."""
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")


def _search_what_is_new() -> None:
    """From here on Python searches for garbage, but not through what has been imported."""
    gc.freeze()
    gc.set_threshold(MANY_OBJECTS)
    gc.enable()


def _warn(message: Warning | str, *_where: object, **_more: object) -> None:
    """A warning as one sentence, without the line of source that it came from; of several ranks, the first one's."""
    if os.environ.get("RANK", "0") != "0":
        return
    print(f"fivestep: warning: {message}", file=sys.stderr)  # noqa: T201
