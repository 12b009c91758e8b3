"""New optimizers with new parameters, one after another: a model that is made again and again."""

from typing import NamedTuple, final

import torch
from torch.optim import Optimizer

from ._record import HABIT, Record
from ._registry import Registry

SHORT = 2
"""The most updates of a model, or of an optimizer, that is made for one or two updates."""

FEW = 8
"""How many numbers of the weights are compared to find whether they were taken over."""


@final
class Beginner(NamedTuple):
    """An optimizer at its first update."""

    rule: int
    likeness: tuple[object, ...]
    """Its class, its options and the shapes of its parameters, and the seed of the random numbers."""
    rows: tuple[int, int] | None
    """The loader that was started last, and how often it had been started by then."""


@final
class Beginners:
    """Follows whether each of them takes the rows once, and passes nothing on to the next.

    Weights that equal the ones its predecessor left count as passed on, and an own seed makes it one of several trials.
    If other parameters like its own are alive, as in an ensemble or a model that is copied, nothing is lost either.
    """

    def __init__(self, record: Record, registry: Registry) -> None:
        self._record = record
        self._registry = registry
        self._last: Beginner | None = None
        self._is_first = True
        self._left: list[float] = []
        self._has_others = False

    def before_first_update(self, rule: int, optimizer: Optimizer, loader: int | None) -> None:
        """Called before an optimizer's first update; `loader` is the one that was started last."""
        number = 0 if loader is None else self._record.loaders[loader].num_begun
        likeness = (type(optimizer).__name__, _options(optimizer), torch.initial_seed())
        now = Beginner(rule, likeness, None if loader is None else (loader, number))
        last, self._last, self._is_first = self._last, now, self._last is None
        if last is not None and not self._has_others and self._follows(last, now, optimizer):
            entry, before = self._record.rules[rule], self._record.rules[last.rule]
            entry.num_fresh = before.num_fresh + 1
            if entry.num_fresh == HABIT and self._registry.has_others(entry.leaves | before.leaves, min(entry.leaves)):
                self._has_others, entry.num_fresh = True, 0

    def _follows(self, last: Beginner, now: Beginner, optimizer: Optimizer) -> bool:
        before = self._record.rules[last.rule]
        if last.likeness != now.likeness or not before.leaves.isdisjoint(self._record.rules[now.rule].leaves):
            return False
        if before.last_update != self._record.num_updates or self._left == numbers_of(optimizer):
            return False
        if last.rows is None or now.rows is None:
            return last.rows == now.rows and before.num_steps <= SHORT
        return now.rows == (last.rows[0], last.rows[1] + 1)

    def after_update(self, rule: int, optimizer: Optimizer) -> None:
        """Remembers the weights that it left, unless it is the first one, as that has a cost."""
        if not self._is_first and self._last is not None and self._last.rule == rule:
            self._left = numbers_of(optimizer)


def _options(optimizer: Optimizer) -> tuple[object, ...]:
    """For each group its options, as text, and the shapes of its parameters."""
    return tuple(
        (
            tuple(sorted((name, str(value)) for name, value in group.items() if name != "params")),
            tuple(p.shape for p in group["params"]),
        )
        for group in optimizer.param_groups
    )


def numbers_of(optimizer: Optimizer) -> list[float]:
    """The first numbers of its first parameter that has any."""
    for group in optimizer.param_groups:
        for p in group["params"]:
            if p.numel():
                numbers: list[float] = p.detach().reshape(-1)[:FEW].tolist()
                return numbers
    return []
