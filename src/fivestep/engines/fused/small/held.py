"""The arrays of a network's numbers outside the compiled body."""

from collections.abc import Sequence
from typing import Any, NamedTuple


class Held(NamedTuple):
    """Parameters, gradient, buffers, and the update rule's memory, group by group, between two blocks.

    Those of one network are vectors; of several, each has a row.
    """

    flat: Any
    grad: Any
    buffers: Any
    remembered: Sequence[Any]

    def of(self, which: int | slice) -> "Held":
        """One network of several, or some of them."""
        remembered = [rows[which] for rows in self.remembered]
        return Held(self.flat[which], self.grad[which], self.buffers[which], remembered)
