"""Dead units, and identical units."""

from typing import final

import torch
from torch import Tensor

from . import _look
from ._events import Place
from ._place import instruction_here
from ._record import Activation, Record

MOST_UNITS = 100_000
"""The most units of a layer that are examined."""

STILL = 10
"""Watched rounds without a slope after which a unit counts as dead."""

FLAT = 1e-3
"""The slope of a sigmoid or a tanh below which it counts as none: they are 0.25 and 1 at 0."""

SPREAD = 1e-3
"""The distance between rows that counts as rounding, relative to their common movement."""


@final
class Activations:
    """Follows, for every activation, identified by its call and its module, in which round a unit last had a slope."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._known: dict[tuple[object, ...], tuple[Activation, Tensor]] = {}
        self._last_round: dict[tuple[object, ...], int] = {}

    def saw(self, kind: str, modules: tuple[int, int], place: Place | None, answer: Tensor) -> None:
        """Notes an activation's output `answer` (N, ...) in a model and its module; each number of a row is a unit."""
        y = answer.detach().reshape(len(answer), -1)[:, :MOST_UNITS]
        key = (kind, modules, place, instruction_here(), y.shape[1], y.device)
        if key not in self._known:
            last = torch.zeros(y.shape[1], dtype=torch.int32, device=y.device)
            self._known[key] = Activation(kind, place, modules[0], y.shape[1]), last
            self._record.activations.append(self._known[key][0])
        activation, last = self._known[key]
        if self._last_round.get(key) != self._record.num_backwards:
            self._last_round[key] = self._record.num_backwards
            activation.num_rounds += 1
        slope = y if kind == "ReLU" else y * (1 - y) - FLAT if kind == "sigmoid" else 1 - y * y - FLAT
        last.masked_fill_((slope > 0).any(0), activation.num_rounds)
        activation.num_dead = int((last <= activation.num_rounds - STILL).sum())


@final
class Rows:
    """Follows the matrices whose rows are identical at the beginning."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._first: dict[int, Tensor | None] = {}

    def before_update(self, leaf: int, p: Tensor) -> None:
        """Remembers the row when the matrix is first seen."""
        if leaf not in self._first:
            self._first[leaf] = p.detach()[0].clone() if _look.are_rows_alike(p) else None

    @torch.no_grad()
    def after_update(self, leaf: int, p: Tensor, gradient: float | None) -> None:
        """Counts the update if the rows are still identical: all moved alike, or none had a gradient."""
        first = self._first.get(leaf)
        if first is None or gradient is None:
            return
        way, spread = float((p - first).abs().max()), float((p - p[:1]).abs().max())
        if spread > SPREAD * way:
            self._first[leaf], self._record.leaves[leaf].num_alike = None, 0
        elif way > 0 or gradient == 0:
            self._record.leaves[leaf].num_alike += 1
