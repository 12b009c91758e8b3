"""Which rounds are watched: the first ones of every training, and a few of the others."""

from typing import final

from ._record import Record

FIRST, EVERY = 30, 47
"""The number of first rounds of a training that are watched, and the interval of later ones: a prime, so that of models
that take turns each is seen."""

MOST = 10 * FIRST
"""The most first rounds of all trainings together: a script that makes models without end costs no more."""


@final
class Window:
    """A training begins where a model is called in training mode for the first time, or an optimizer is stepped.

    Its first rounds are watched, from a round on in which backward was not called yet: half of one would look as if
    something had been left out. Of all others two in a row are, at intervals: what was cleared between two updates is
    only visible if both are watched.
    """

    def __init__(self, record: Record) -> None:
        self._record = record
        self._known: set[int] = set()
        self._begin, self._end = 0, FIRST
        self._num_left = MOST - FIRST
        self._num_backwards = 0
        self._begun: set[int] = set()
        self._has_rule = False

    @property
    def is_open(self) -> bool:
        """Whether this round is watched."""
        return self._is_near or self._round % EVERY < 2

    @property
    def is_first(self) -> bool:
        """Whether this round, or the one before, is the first of a model or an optimizer."""
        return self._round in self._begun or not self._round

    def saw(self, key: int, *, is_rule: bool = False) -> None:
        """Opens it for a model or an optimizer, by its number, that was not seen before.

        Optimizers that come while it is open may take turns: each gets as many rounds.
        """
        if key in self._known:
            return
        self._known.add(key)
        self._begun |= {self._round, self._round + 1}
        is_between = not self._record.num_updates or self._num_backwards == self._record.num_backwards
        begin = self._round + (not self._is_near and not is_between)
        is_another, self._has_rule = self._is_near and is_rule and self._has_rule, is_rule or self._has_rule
        more = FIRST if is_another else max(0, begin + FIRST - max(begin, self._end))
        number = min(more, self._num_left)
        if not self._is_near:
            self._begin, self._has_rule = begin, is_rule
        self._end, self._num_left = max(begin, self._end) + number, self._num_left - number

    def updated(self) -> None:
        """Ends a round with an update; from the first one on, updates are counted in place of backward passes."""
        self._num_backwards = self._record.num_backwards
        if self._record.num_updates == 1:
            self._num_left += max(0, self._end - max(FIRST, self._num_backwards))
            self._begin, self._end = 0, FIRST

    @property
    def _is_near(self) -> bool:
        return self._begin <= self._round < self._end

    @property
    def _round(self) -> int:
        return self._record.num_updates or self._record.num_backwards
