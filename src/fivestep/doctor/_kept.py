"""Graphs that are kept alive: of outputs and losses of earlier rounds, and of an evaluation."""

import gc
import weakref
from typing import final

from torch import Tensor

from ._events import Place
from ._record import Kept, Record

FEWEST = 15
"""The rounds, or calls in an evaluation, whose graphs must be alive at once: more than a window of the last ten."""


@final
class Graphs:
    """Follows outputs and losses with a graph, without keeping them alive."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._made: list[tuple[int, Place | None, weakref.ref[Tensor]]] = []
        self._collects_at = FEWEST
        self._answers: list[weakref.ref[Tensor]] = []
        self._most = Kept(None, 0)
        self._longest = Kept(None, 0)

    def made(self, tensor: Tensor, place: Place | None) -> None:
        """Notes an output or a loss in training; most are gone in the next round."""
        if tensor.grad_fn is not None:
            self._made.append((self._record.num_backwards, place, weakref.ref(tensor)))

    def after_backward(self) -> None:
        """Counts the rounds from which something is alive with its graph."""
        number = self._count()
        if number >= self._collects_at:
            gc.collect()  # uncollected garbage does not count; collecting takes a tenth of a second: not at each step
            number = self._count()
            self._collects_at = max(FEWEST, 2 * number)
        if number >= FEWEST:
            self._record.kept_in_training = Kept(self._made[0][1], number)

    def _count(self) -> int:
        self._made = [one for one in self._made if _is_alive(one[2])]
        return len({number for number, _, _ in self._made})

    def answered(self, tensor: Tensor, place: Place | None) -> None:
        """Notes an output in evaluation mode that has a graph."""
        self._answers = [one for one in self._answers if _is_alive(one)]
        self._answers.append(weakref.ref(tensor))
        if len(self._answers) > self._most.number:
            self._most = Kept(place, len(self._answers))

    def summed(self, place: Place | None, number: int) -> None:
        """Notes that so many losses of an evaluation were summed with their graphs."""
        if number > self._longest.number:
            self._longest = Kept(place, number)

    def used(self) -> None:
        """Notes a backward call, which may have been on those outputs."""
        self._answers, self._most, self._longest = [], Kept(None, 0), Kept(None, 0)

    def left(self) -> None:
        """Ends the evaluation: a model is called in training mode, or the loop has ended."""
        if self._most.number >= FEWEST:
            self._record.kept_in_evaluation = self._most
        if self._longest.number >= FEWEST:
            self._record.summed_in_evaluation = self._longest
        self.used()


def _is_alive(reference: weakref.ref[Tensor]) -> bool:
    tensor = reference()
    return tensor is not None and tensor.grad_fn is not None
