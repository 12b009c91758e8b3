"""The compiled functions, cached on disk in a folder that is named after all their sources.

To validate cached code, Numba checks the path and time of a function's own file, but not those of the functions that it
calls. So the folder's name is a hash of these for all sources of `body`, and of the versions and the processor: after
any change the code is compiled again, with a message.
"""

import functools
import hashlib
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, final

import llvmlite
import numba
import platformdirs
from filelock import FileLock
from numba.core.event import install_timer

from .._engine import Engine
from .body import abreast as networks
from .body import at, barrier, divided, learned, levels, masks, narrow, nonzeros, order, panels, passes, steps, waves
from .body.target import target

SECONDS = {
    "train": 7,
    "branched": 9,
    "hidden": 7,
    "pairs": 7,
    "abreast": 3,
    "predict": 2,
    "predict_branched": 2,
    "passes": 3,
    "divided": 11,
    "divided-passes": 19,
    "divided-learned": 19,
    "divided-learned-passes": 31,
    "divided-nonzeros": 16,
    "divided-passes-nonzeros": 24,
    "divided-learned-nonzeros": 24,
    "divided-learned-passes-nonzeros": 36,
}
"""The approximate seconds of compiling on one core; the second for a body with a rarely used rule."""

WORDS = {
    "train": "a small network",
    "branched": "a small network with branches",
    "hidden": "one hidden layer",
    "pairs": "one hidden layer, rows in pairs",
    "abreast": "small networks side by side",
    "predict": "predictions",
    "predict_branched": "predictions with branches",
    "passes": "passes between products",
    "divided": "a larger network",
    "further": "a rarer update rule",
    "matrices": "an update rule for matrices",
    "learned": "layers with parameters of their own",
    "nonzeros": "rows with many zeros",
}
"""What the parts of a name stand for: each of these forms is compiled by itself, when it is first needed."""

OPTIONS = {"error_model": "numpy", "_nrt": False}  # as `inline` in lanes.py


def folder() -> Path:
    """The cache folder for compiled code: in FIVESTEP_CACHE, or the system's default."""
    cache = Path(os.environ.get("FIVESTEP_CACHE") or platformdirs.user_cache_dir("fivestep"))
    return cache / "compiled" / fingerprint()


@functools.cache
def fingerprint() -> str:
    """A hash of every source of `body`, its place and time, of numba, LLVM and Python, and of the processor.

    That is the processor that Numba compiles for.
    """
    digest = hashlib.sha256()
    for path in sorted((Path(__file__).parent / "body").glob("*.py")):
        digest.update(f"{path} {path.stat().st_mtime_ns}".encode() + path.read_bytes())
    versions = (numba.__version__, llvmlite.__version__, sys.version, *target())
    digest.update("\n".join(versions).encode())
    return digest.hexdigest()[:16]


_LOCK = threading.RLock()


def _once(function: Callable[..., Any]) -> Callable[..., Any]:
    """`functools.cache` with a lock around the making of entries, as Numba's settings are global."""
    cached = functools.cache(function)

    @functools.wraps(function)
    def call(*arguments: Any) -> Any:
        with _LOCK:
            return cached(*arguments)

    return call


def _can_keep() -> bool:
    """Whether files can be written in our folder. Numba would else take one beside the source, and not ask for more."""
    try:
        folder().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder()):
            return True
    except OSError:
        return False


@contextmanager
def _kept() -> Iterator[bool]:
    """A context in which Numba caches code in our folder, if possible; else every process compiles again."""
    place, before = folder(), numba.config.CACHE_DIR
    if not _can_keep():
        yield False
        return
    numba.config.CACHE_DIR = str(place)
    try:
        yield True
    finally:
        numba.config.CACHE_DIR = before


@final
class _OneAtATime:
    """Numba's cache file of a function, written by one process at a time.

    With numba 0.68, two processes that compile a function for different types at once may write both to the same file,
    and one would then run the code of the other.
    """

    def __init__(self, kept: Any) -> None:
        self._kept, self.load, self.flush = kept, kept.load, kept.flush

    def save(self, key: Any, code: Any) -> None:
        lock = FileLock(Path(self._kept._cache_path) / "lock")
        with suppress(OSError, NotImplementedError):  # some network file systems have no locks
            lock.acquire()
        try:
            with suppress(OSError):  # on a full disk the next process compiles again
                self._kept.save(key, code)
        finally:
            lock.release()


def _jitted(function: Callable[..., Any]) -> Any:
    """The function, compiled when it is first called with arguments of new types."""
    with _kept() as is_kept:
        made = numba.njit(function, cache=is_kept, nogil=True, **OPTIONS)
    if is_kept:
        made._cache._cache_file = _OneAtATime(made._cache._cache_file)
    return made


@_once
def training() -> Any:
    """`train_steps`."""
    return _jitted(steps.train_steps)


@_once
def abreast() -> Any:
    """`train_abreast`."""
    return _jitted(networks.train_abreast)


@_once
def drawing() -> Any:
    """`draw_orders`, compiled in less than a second."""
    return _jitted(order.draw_orders)


@_once
def prediction(name: str, dtype: str) -> Any:
    """`predict_float32` or another function of `body/at.py`, compiled for calls with addresses by its `ctypes`."""
    note, signature = _announced(name, dtype), numba.types.void(*[numba.types.intp] * 4)
    function = getattr(at, f"{name}_{dtype}")
    with _kept() as is_kept:
        try:
            made = numba.cfunc(signature, cache=is_kept, **OPTIONS)(function)
        except OSError:  # the disk is full
            made = numba.cfunc(signature, cache=False, **OPTIONS)(function)
    _note(note)
    return made


def train(name: str, engine: Engine, *arguments: Any) -> None:
    """Calls `train_steps`; `name` is the variant that has to be compiled first, with a message, if it is not cached."""
    with compiling(name, engine.dtype_name), timed(engine):
        training()(*arguments)


@contextmanager
def timed(engine: Engine) -> Iterator[None]:
    """A context for calls that may compile, during which the engine's clock stands still."""

    def note(seconds: float) -> None:
        engine.seconds_compiling += seconds

    with install_timer("numba:compile", note):
        yield


PASSES = {
    **vars(masks),
    **vars(order),
    **vars(narrow),
    **vars(passes),
    **vars(learned),
    **vars(waves),
    **vars(levels),
    **vars(panels),
    **vars(barrier),
    **vars(nonzeros),
    **vars(divided),
}


@_once
def one_pass(name: str) -> Any:
    """A function of one of these files, compiled to be called from Python."""
    return _jitted(getattr(PASSES[name], "py_func", PASSES[name]))  # of one that others call as compiled


@contextmanager
def compiling(name: str, dtype: str) -> Iterator[None]:
    """A context for calls that may compile, with a message if they do, once per machine."""
    note = _announced(name, dtype)
    yield
    _note(note)


@_once
def _note(note: Path | None) -> None:
    if note is not None and note.parent.exists():
        with suppress(OSError):
            note.touch()


@_once
def _announced(name: str, dtype: str) -> Path | None:
    """Announces that a function will be compiled, unless it is cached; then returns the file to create afterwards."""
    note = folder() / f"{name}-{dtype}"
    if note.exists():
        return None
    seconds = SECONDS.get(name, SECONDS[name.partition("-")[0]])
    what = ", ".join(dict.fromkeys(WORDS[part] for part in name.split("-")))
    how = "on this machine, once" if _can_keep() else f"for this process, as {folder()} cannot be written"
    print(  # noqa: T201
        f"Compiling the fused engine for {what}, {dtype}, {how}, about {seconds} s ...",
        file=sys.stderr,
    )
    return note
