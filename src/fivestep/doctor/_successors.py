"""Optimizers that take over the parameters of another one, and start without memory."""

from typing import final

from torch.optim import Optimizer

from ._beginners import SHORT, numbers_of
from ._record import Record
from ._registry import Registry


@final
class Successors:
    """Follows which optimizer moved the same parameters before, and whether they were changed in between."""

    def __init__(self, record: Record, registry: Registry) -> None:
        self._record = record
        self._registry = registry
        self._known: set[int] = set()
        self._last: dict[frozenset[int], tuple[int, list[float], int | None]] = {}
        self._followers: dict[int, frozenset[int]] = {}
        self._rows: int | None = None

    def began(self, rows: object) -> None:
        """Notes that a loader starts on this data set again."""
        try:
            self._rows = self._registry.key(rows)
        except TypeError:  # a list cannot be recognized without keeping it alive
            self._rows = None

    def before_update(self, rule: int, optimizer: Optimizer) -> None:
        """Notes whether this is the first update of a new optimizer that takes over parameters."""
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
        """Remembers the weights that it left, unless it is the first optimizer of its parameters: that has a cost."""
        leaves = self._followers.get(rule)
        if leaves is not None:
            self._record.rules[rule].has_memory = bool(optimizer.state)
            self._last[leaves] = rule, numbers_of(optimizer), self._rows
