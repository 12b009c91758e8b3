"""When to write a state again: often enough to lose little, rarely enough to cost little."""

import time
from typing import final

SECONDS = 3.0
"""The least time between two writings. A kill loses about as much, which is then computed again."""

SHARE = 0.01
"""The largest share of the training time: what takes a second to write is written every hundred seconds."""


@final
class Due:
    """Whether it is time to write: at once the first time, then some time after each writing."""

    def __init__(self) -> None:
        self._at = 0.0

    @property
    def is_now(self) -> bool:
        """Whether enough time has passed since the last writing."""
        return time.monotonic() >= self._at

    def written(self, started: float) -> float:
        """To be called after a writing that `started` at that time of `time.monotonic`; returns the seconds it took."""
        ended = time.monotonic()
        self._at = ended + max(SECONDS, (ended - started) / SHARE)
        return ended - started
