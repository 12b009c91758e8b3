"""A user's script, run as `python SCRIPT` would run it, while it is watched."""

import importlib.util
import os
import runpy
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TextIO

from ..check import InputError
from . import Watch
from ._place import here
from ._watcher import Enough, Watcher

DONE, FAILED, INTERRUPTED = 0, 1, 130
"""Python's exit codes: the script ended, it raised an error, it was interrupted by Ctrl-C."""

HOME = str(Path(__file__).parent) + os.sep
"""The folder of the doctor."""


def watch_script(
    script: str, arguments: Sequence[str] = (), most_updates: int | None = None, *, is_module: bool = False
) -> tuple[Watch, int]:
    """Runs a file, or a module as `python -m` does, and returns what was seen and the script's own exit code.

    Its output goes to standard error. It ends by itself, after `most_updates` updates, or by Ctrl-C. Its errors are
    shown as Python shows them. Raises an `InputError` if there is no such file or module.
    """
    if not is_module and not Path(script).is_file():
        raise InputError(f"a script must be a Python file that is there, got {script!r}; look at its path.")
    seen, code = Watch(Watcher(most_updates)), DONE
    folder = Path.cwd() if is_module else Path(script).resolve().parent
    with _output_aside(), _as_main(script, folder, arguments):
        if is_module:
            _check_module(script)
        try:
            with seen:
                if is_module:
                    runpy.run_module(script, run_name="__main__", alter_sys=True)
                else:
                    runpy.run_path(str(Path(script).absolute()), run_name="__main__")
        except SystemExit as exit_:
            code = _exit_code(exit_.code)
        except Enough:
            pass
        except KeyboardInterrupt:
            code = INTERRUPTED
        except Exception as error:
            print(_without_ours(error), end="", file=sys.stderr)  # noqa: T201
            code = FAILED
    return seen, code


def _check_module(name: str) -> None:
    """Whether there is a module of this name; its packages are imported, as `python -m` does."""
    try:
        is_there = not name.endswith(".py") and not name.startswith(".") and importlib.util.find_spec(name) is not None
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        is_there = False
    if not is_there:
        raise InputError(
            f"after -m, a module must be named as for python -m, such as package.train, got {name!r}; look at its "
            "name, and whether this is the folder that its package is in."
        )


def _exit_code(code: object) -> int:
    if code is None or isinstance(code, int):
        return code or DONE
    print(code, file=sys.stderr)  # noqa: T201 - as Python does with a text
    return FAILED


def _without_ours(error: BaseException) -> str:
    """The traceback that Python would have printed without us."""
    shown = traceback.TracebackException.from_exception(error)
    for one in _with_causes(shown):
        one.stack = traceback.StackSummary.from_list([frame for frame in one.stack if not _is_ours(frame)])
    return "".join(shown.format())


def _is_ours(frame: traceback.FrameSummary) -> bool:
    """Whether the frame exists only because the script is watched."""
    is_detour = frame.filename.endswith(os.path.join("torch", "overrides.py")) or "handle_torch_function(" in (
        frame.line or ""
    )
    return is_detour or frame.filename.startswith((HOME, "<frozen runpy>"))


def _with_causes(shown: traceback.TracebackException) -> Iterator[traceback.TracebackException]:
    waiting = [shown]
    while waiting:
        one = waiting.pop()
        yield one
        waiting += [other for other in (one.__cause__, one.__context__) if other is not None]


@contextmanager
def _as_main(script: str, folder: Path, arguments: Sequence[str]) -> Iterator[None]:
    """A context in which arguments, module path and warnings are as for a script of its own."""
    before = sys.argv, sys.path[:], warnings.showwarning
    sys.argv, sys.path[:] = [script, *arguments], [str(folder), *sys.path]
    warnings.showwarning = _show_warning
    warnings.filterwarnings("ignore", message=r"Using `torch.compile\(module\)` when there are global hooks")
    try:
        yield
    finally:
        sys.argv, sys.path[:], warnings.showwarning = before


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    if filename.startswith(HOME):  # torch's warnings from C++ name the current Python line
        place = here()
        if place is not None:
            filename, lineno, line = place.file, place.line, place.code
    print(warnings.formatwarning(message, category, filename, lineno, line), end="", file=file or sys.stderr)


@contextmanager
def _output_aside() -> Iterator[None]:
    """A context in which all output, also that of child processes, goes to standard error."""
    sys.stdout.flush()
    own = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        sys.stderr.flush()
        os.dup2(own, 1)
        os.close(own)
