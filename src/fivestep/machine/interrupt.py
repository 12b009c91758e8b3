"""Ctrl-C and SIGTERM between two steps instead of within one; where ranks train together, between the same two."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType
from typing import final

from ..check import RanksError
from ..ranks import Requests

TERMINATED = 128 + signal.SIGTERM
"""The exit code of a process ended by SIGTERM, as shells report it."""


_END: ContextVar[threading.Event | None] = ContextVar("end", default=None)
"""An event that ends the work of this thread, beside signals."""


def terminate(_signal: int, _frame: FrameType | None) -> None:
    """A handler for SIGTERM that lets `finally` blocks run: raises `SystemExit` with code 143."""
    raise SystemExit(TERMINATED)


@final
class Interrupt:
    """The pending signal: SIGINT, SIGTERM or none.

    An event, if one is given, counts as Ctrl-C too. If it `is_shared`, other ranks must agree before it is taken, so a
    pending signal waits, however many follow.
    """

    def __init__(self, *, is_shared: bool = False) -> None:
        self.is_shared = is_shared
        self._signal: int | None = None
        self._end = _END.get()

    @property
    def has_come(self) -> bool:
        """Whether a signal is pending."""
        return self._signal is not None or (self._end is not None and self._end.is_set())

    def note(self, number: int, _frame: FrameType | None) -> None:
        """The handler: notes the signal. A second one does not wait: it raises at once."""
        already, self._signal = self.has_come, number
        if already and not self.is_shared:
            self.take()

    def requests(self, *, checkpoint: bool) -> Requests:
        """What this rank asks for between two steps."""
        is_term = self._signal == signal.SIGTERM
        return Requests(self.has_come and not is_term, is_term, checkpoint)

    def take_agreed(self, requests: Requests) -> None:
        """`take`, for a signal to any rank that all have agreed on."""
        if requests.interrupt or requests.terminate:
            self._signal = signal.SIGINT if requests.interrupt else signal.SIGTERM
            self.take()

    def take(self) -> None:
        """Raises `KeyboardInterrupt` for a pending SIGINT and `SystemExit` for a pending SIGTERM, else does nothing."""
        if self._signal == signal.SIGINT or (self._end is not None and self._end.is_set()):
            raise KeyboardInterrupt
        if self._signal == signal.SIGTERM:
            raise SystemExit(TERMINATED)


@contextmanager
def deferred_interrupt(interrupt: Interrupt | None = None) -> Iterator[Interrupt]:
    """A context in which Ctrl-C and SIGTERM are only noted; `interrupt.take()` raises the matching exception.

    Call that between steps, where the weights are consistent. A SIGINT that is ignored (a background job) stays so, as
    does one that a program around Python handles, and SIGTERM stays with a caller that has a handler of its own.
    Outside the main thread, where Python handles no signals, nothing changes. A signal that other ranks must agree on
    stays pending in `interrupt` at the end, for the next time.
    """
    interrupt = Interrupt() if interrupt is None else interrupt
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return
    taken = [signal.SIGINT] if signal.getsignal(signal.SIGINT) not in (signal.SIG_IGN, None) else []
    if signal.getsignal(signal.SIGTERM) in (signal.SIG_DFL, terminate):
        taken.append(signal.SIGTERM)
    previous = {number: signal.signal(number, interrupt.note) for number in taken}
    try:
        yield interrupt
    except RanksError:  # another rank may have been ended by the same signal before this one could agree
        interrupt.take()
        raise
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    if not interrupt.is_shared:
        interrupt.take()


@contextmanager
def interrupted_by(event: threading.Event) -> Iterator[None]:
    """A context in which the event ends training between two steps, as Ctrl-C would."""
    token = _END.set(event)
    try:
        yield
    finally:
        _END.reset(token)


@contextmanager
def termination_raises() -> Iterator[None]:
    """A context in which SIGTERM raises `SystemExit` with code 143 at once, so that what is open gets closed."""
    is_ours = (
        threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    )
    if is_ours:
        signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        if is_ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
