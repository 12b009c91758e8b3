"""Graphs that somebody keeps: of answers and losses of earlier rounds, and of an evaluation."""

import gc
import weakref
from typing import final

from torch import Tensor

from ._events import Place
from ._record import Kept, Record

FEWEST = 15
"""Rounds, or calls of an evaluation, whose graphs must be alive at once: more than a window of the last ten."""


@final
class Graphs:
    """Follows answers and losses that have a graph, and holds none of them."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._made: list[tuple[int, Place | None, weakref.ref[Tensor]]] = []
        self._collects_at = FEWEST
        self._answers: list[weakref.ref[Tensor]] = []
        self._most = Kept(None, 0)
        self._longest = Kept(None, 0)

    def made(self, tensor: Tensor, place: Place | None) -> None:
        """An answer or a loss in training; most are gone with the next round."""
        if tensor.grad_fn is not None:
            self._made.append((self._record.num_backwards, place, weakref.ref(tensor)))

    def after_backward(self) -> None:
        """Counts the rounds of which something is alive, with its graph."""
        number = self._count()
        if number >= self._collects_at:
            gc.collect()  # what only waits to be collected is kept by nobody; a tenth of a second: not at each step
            number = self._count()
            self._collects_at = max(FEWEST, 2 * number)
        if number >= FEWEST:
            self._record.kept_in_training = Kept(self._made[0][1], number)

    def _count(self) -> int:
        self._made = [one for one in self._made if _is_alive(one[2])]
        return len({number for number, _, _ in self._made})

    def answered(self, tensor: Tensor, place: Place | None) -> None:
        """An answer in evaluation mode, though with a graph."""
        self._answers = [one for one in self._answers if _is_alive(one)]
        self._answers.append(weakref.ref(tensor))
        if len(self._answers) > self._most.number:
            self._most = Kept(place, len(self._answers))

    def summed(self, place: Place | None, number: int) -> None:
        """So many losses of an evaluation were added up with their graphs."""
        if number > self._longest.number:
            self._longest = Kept(place, number)

    def used(self) -> None:
        """Backward was called: it may have been on those answers."""
        self._answers, self._most, self._longest = [], Kept(None, 0), Kept(None, 0)

    def left(self) -> None:
        """The evaluation is over: a model is called in training mode, or the loop has ended."""
        if self._most.number >= FEWEST:
            self._record.kept_in_evaluation = self._most
        if self._longest.number >= FEWEST:
            self._record.summed_in_evaluation = self._longest
        self.used()


def _is_alive(reference: weakref.ref[Tensor]) -> bool:
    tensor = reference()
    return tensor is not None and tensor.grad_fn is not None
