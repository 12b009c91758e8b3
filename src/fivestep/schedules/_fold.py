"""What a schedule keeps of the figures seen so far, so that each is looked at once in a run."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar, final

State = TypeVar("State")


@final
class Fold(Generic[State]):
    """after(... after(after(first, seen[0]), seen[1]) ..., seen[-1]), a pure function of `seen`.

    Of a list that only grows, as a run's does, only the figures that are new are looked at; of any other, all of them.
    """

    def __init__(self, first: State, after: Callable[[State, float], State]) -> None:
        self._first, self._after = first, after
        self._of: Sequence[float] = ()
        self._num_done, self._last, self._state = 0, 0.0, first

    def over(self, seen: Sequence[float]) -> State:
        """The state after all figures."""
        if seen is not self._of or not self._is_longer(seen):
            self._of, self._num_done, self._state = seen, 0, self._first
        for place in range(self._num_done, len(seen)):
            self._state = self._after(self._state, seen[place])
            self._num_done, self._last = place + 1, seen[place]
        return self._state

    def _is_longer(self, seen: Sequence[float]) -> bool:
        """Whether the list still begins as it did, by its length and the last figure that was looked at."""
        done = self._num_done
        return done == 0 or (len(seen) >= done and seen[done - 1] == self._last)
