"""Optimizers that take the parameters of another one over, and begin with nothing remembered."""

from typing import final

from torch.optim import Optimizer

from ._beginners import numbers_of
from ._record import Record
from ._registry import Registry

SHORT = 2
"""Updates of an optimizer that is made anew for each of them, or for each two."""


@final
class Successors:
    """Follows which optimizer moved the same parameters before, and whether anybody else did in between."""

    def __init__(self, record: Record, registry: Registry) -> None:
        self._record = record
        self._registry = registry
        self._known: set[int] = set()
        self._last: dict[frozenset[int], tuple[int, list[float], int | None]] = {}
        self._followers: dict[int, frozenset[int]] = {}
        self._rows: int | None = None

    def began(self, rows: object) -> None:
        """A loader begins to give the rows of this data set once more."""
        try:
            self._rows = self._registry.key(rows)
        except TypeError:  # a list of rows cannot be known again without being held
            self._rows = None

    def before_update(self, rule: int, optimizer: Optimizer) -> None:
        """Whether it is the first one of a new optimizer, which takes over."""
        if rule in self._known:
            return
        self._known.add(rule)
        leaves = frozenset(self._record.rules[rule].leaves)
        before, numbers, rows = self._last.setdefault(leaves, (rule, [], None))
        if before == rule:
            return
        self._followers[rule] = leaves
        is_short, is_same = self._record.rules[before].num_steps <= SHORT, rows is not None and rows == self._rows
        if numbers == numbers_of(optimizer) and not optimizer.state and (is_short or is_same):
            self._record.rules[rule].num_before = self._record.rules[before].num_before + 1

    def after_update(self, rule: int, optimizer: Optimizer) -> None:
        """Remembers what it has left, if it is not the first optimizer of its parameters: that costs a little."""
        leaves = self._followers.get(rule)
        if leaves is not None:
            self._record.rules[rule].has_memory = bool(optimizer.state)
            self._last[leaves] = rule, numbers_of(optimizer), self._rows
