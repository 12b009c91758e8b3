"""Heartbeats between ranks: a slow rank is waited for, and one that hangs is given up.

The time a rank takes says nothing: it may read a file from a slow disk, or its share of a fleet may take minutes longer
than others. So a thread of each rank regularly publishes how often it has found that its process used the processor,
other than to wait for ranks. A rank that waits reads this, and gives up when none of those it waits for has worked for
`timeout` seconds: a process that is stopped, that sleeps, or whose disk or network does not answer. A process in an
endless loop cannot be told from a slow one. Time in which the waiting rank did not run itself, as after Ctrl-Z or while
the machine was asleep, does not count.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple, final

from ..check import RanksError

PERIOD = 1.0
"""Seconds between two heartbeats, at most."""

PART = 5
"""Heartbeats within `timeout`, at least."""

WORK = 0.02
"""The share of one processor's time from which a rank counts as working. Idle gloo threads take half a percent."""


class Heartbeat(NamedTuple):
    """How often a rank's thread has checked, how often it found work, and whether (1) the rank waits for others."""

    looks: int = 0
    works: int = 0
    waits: int = 0


Send = Callable[[Heartbeat], None]
"""Publishes this rank's heartbeat."""

Receive = Callable[[int], Heartbeat]
"""Returns the last heartbeat of another rank."""


@final
class Heartbeats:
    """Sends this rank's heartbeats from now on, and watches those of the others; `timeout` is in seconds.

    `send` and `receive` are called in a thread of their own, where a network may block them for any time.
    """

    def __init__(self, rank: int, size: int, timeout: float, send: Send, receive: Receive) -> None:
        self.timeout, self.period = timeout, min(PERIOD, timeout / PART)
        self._others = [other for other in range(size) if other != rank]
        self._send, self._receive = send, receive
        self._own, self._spent, self._waits = Heartbeat(), 0.0, False
        self._clock, self._ticked = 0.0, time.monotonic()
        self._received: dict[int, Heartbeat] = {}
        self._looked: dict[int, float] = {}  # when that rank's last check was noted, by `_clock`, and its last work
        self._worked: dict[int, float] = {}
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="fivestep-heartbeats", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stops sending."""
        self._is_over.set()
        if threading.current_thread() is not self._thread:  # a finalizer may run in that thread
            self._thread.join(self.period)  # a daemon: a network that hangs cannot keep the process from ending

    @contextmanager
    def waiting(self) -> Iterator[Callable[..., None]]:
        """A context in which this rank waits for others; yields `look(missing)`, to be called repeatedly meanwhile.

        It raises a `RanksError` if none of the ranks `missing`, by default all others, has worked for `timeout`
        seconds.
        """
        since, self._ticked, self._waits = self._clock, time.monotonic(), True
        try:
            yield lambda missing=None: self._look(since, missing or self._others)
        finally:
            self._waits = False

    def _tick(self) -> float:
        """Seconds that this rank has waited so far; a gap of over two periods, when it did not run, counts as two."""
        now = time.monotonic()
        self._clock, self._ticked = self._clock + min(now - self._ticked, 2 * self.period), now
        return self._clock

    def _look(self, since: float, missing: Sequence[int]) -> None:
        now = self._tick()
        if now - max(since, *(self._worked.get(other, since) for other in missing)) <= self.timeout:
            return
        silent = [other for other in missing if now - max(since, self._looked.get(other, since)) > self.timeout / 2]
        blocked = [other for other in missing if not self._received.get(other, Heartbeat()).waits]
        if not (silent or blocked):
            raise RanksError(
                f"all ranks must make the same calls in the same order, got all of them waiting for {self.timeout:g} "
                "s; see that no rank leaves out a step that the others do."
            )
        raise RanksError(
            f"all ranks must send a heartbeat every {self.timeout:g} s, got none from rank {(silent or blocked)[0]}"
            "; see what holds that process up."
        )

    def _go_on(self) -> None:
        while not self._is_over.wait(self.period):
            with suppress(RuntimeError):  # the store is gone, and soon all ranks will be
                self._give()
                if self._waits:
                    self._listen()

    def _give(self) -> None:
        """Sends this rank's heartbeat. The time of this thread itself does not count as work."""
        spent = time.process_time() - time.thread_time()
        has_worked = not self._waits and spent - self._spent > WORK * self.period
        self._own = Heartbeat(self._own.looks + 1, self._own.works + has_worked, int(self._waits))
        self._spent = spent
        self._send(self._own)

    def _listen(self) -> None:
        """Notes when another rank's heartbeat has changed."""
        for other in self._others:
            heartbeat, before, now = self._receive(other), self._received.get(other), self._clock
            self._received[other] = heartbeat
            if before is None or heartbeat.looks != before.looks:
                self._looked[other] = now
            if before is None or heartbeat.works != before.works:
                self._worked[other] = now
