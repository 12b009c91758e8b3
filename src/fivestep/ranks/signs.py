"""Signs of life between ranks: one that is slow is waited for, and one that hangs is given up.

How long a rank takes says nothing: a file may be read from a slow disk, and a share of a fleet may take minutes longer
than another. So a thread of each rank says every so often, where the others can read it, how often it has found the
processor time of its process moved on, while that did not itself wait for others. Whoever waits looks at that, and
gives up when nobody it waits for has worked for `timeout` seconds: a process that is stopped, that sleeps, or whose
disk or network does not answer. One that computes for ever is not told from one that is slow. Time in which the one who
waits did not run itself, as after Ctrl-Z or on a machine that was put to sleep, is nobody's silence.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple, final

from ..check import RanksError

PERIOD = 1.0
"""Seconds between two signs, at most."""

PART = 5
"""As many signs there are in the time after which a rank is given up, at least."""

WORK = 0.02
"""Of one processor's time, the share that a rank takes at least that works. gloo's threads take half a percent for
nothing."""


class Sign(NamedTuple):
    """How often a rank's thread has looked, how often it found work done, and whether (1) the rank waits for others."""

    looks: int = 0
    works: int = 0
    waits: int = 0


Say = Callable[[Sign], None]
"""Leaves this rank's sign where the others read it."""

Hear = Callable[[int], Sign]
"""The last sign of another rank."""


@final
class Signs:
    """Gives this rank's signs, from now on, and says of the others' when to give up; `timeout` is in seconds.

    Both `say` and `hear` are called in a thread of their own, where a network may keep them as long as it likes.
    """

    def __init__(self, rank: int, size: int, timeout: float, say: Say, hear: Hear) -> None:
        self.timeout, self.period = timeout, min(PERIOD, timeout / PART)
        self._others = [other for other in range(size) if other != rank]
        self._say, self._hear = say, hear
        self._own, self._spent, self._waits = Sign(), 0.0, False
        self._clock, self._ticked = 0.0, time.monotonic()
        self._heard: dict[int, Sign] = {}
        self._looked: dict[int, float] = {}  # when a look of that rank was last heard of, by `_clock`, and when work
        self._worked: dict[int, float] = {}
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="fivestep-signs", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Gives none any more."""
        self._is_over.set()
        if threading.current_thread() is not self._thread:  # which may be the one that finds nobody needs it
            self._thread.join(self.period)  # a network that does not answer does not keep the process: it is a daemon

    @contextmanager
    def waiting(self) -> Iterator[Callable[..., None]]:
        """Inside, this rank waits for others. Gives what is to be called again and again meanwhile.

        That, `look(missing)`, raises a `RanksError` if none of the ranks `missing`, by default all others, has worked
        for `timeout` seconds.
        """
        since, self._ticked, self._waits = self._clock, time.monotonic(), True
        try:
            yield lambda missing=None: self._look(since, missing or self._others)
        finally:
            self._waits = False

    def _tick(self) -> float:
        """Seconds that this rank has waited so far; two looks are two periods apart at most, unless it did not run."""
        now = time.monotonic()
        self._clock, self._ticked = self._clock + min(now - self._ticked, 2 * self.period), now
        return self._clock

    def _look(self, since: float, missing: Sequence[int]) -> None:
        now = self._tick()
        if now - max(since, *(self._worked.get(other, since) for other in missing)) <= self.timeout:
            return
        silent = [other for other in missing if now - max(since, self._looked.get(other, since)) > self.timeout / 2]
        blocked = [other for other in missing if not self._heard.get(other, Sign()).waits]
        if not (silent or blocked):
            raise RanksError(
                f"all ranks must make the same calls in the same order, got all of them waiting for {self.timeout:g} "
                "s; see that no rank leaves out a step that the others do."
            )
        raise RanksError(
            f"all ranks must give a sign of life every {self.timeout:g} s, got none from rank {(silent or blocked)[0]}"
            "; see what holds that process up."
        )

    def _go_on(self) -> None:
        while not self._is_over.wait(self.period):
            with suppress(RuntimeError):  # whoever kept the signs is gone, and so soon are all
                self._give()
                if self._waits:
                    self._listen()

    def _give(self) -> None:
        """This rank's sign. What this thread itself takes is no work."""
        spent = time.process_time() - time.thread_time()
        has_worked = not self._waits and spent - self._spent > WORK * self.period
        self._own = Sign(self._own.looks + 1, self._own.works + has_worked, int(self._waits))
        self._spent = spent
        self._say(self._own)

    def _listen(self) -> None:
        """Notes when a sign of another rank was new."""
        for other in self._others:
            sign, before, now = self._hear(other), self._heard.get(other), self._clock
            self._heard[other] = sign
            if before is None or sign.looks != before.looks:
                self._looked[other] = now
            if before is None or sign.works != before.works:
                self._worked[other] = now
