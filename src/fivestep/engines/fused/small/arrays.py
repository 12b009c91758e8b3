"""The numbers of networks outside the compiled body, as arrays."""

from collections.abc import Sequence
from typing import Any, NamedTuple


class NetworkArrays(NamedTuple):
    """Parameters, gradient, buffers, and the update rule's memory, group by group, between two blocks.

    Those of one network are vectors; of several, each has a row.
    """

    flat: Any
    grad: Any
    buffers: Any
    memory: Sequence[Any]

    def of(self, which: int | slice) -> "NetworkArrays":
        """One network of several, or some of them."""
        memory = [rows[which] for rows in self.memory]
        return NetworkArrays(self.flat[which], self.grad[which], self.buffers[which], memory)
