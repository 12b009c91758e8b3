"""The arrays of a network's numbers outside the compiled body."""

from collections.abc import Sequence
from typing import Any, NamedTuple


class Held(NamedTuple):
    """Parameters, gradient, buffers, and the update rule's memory, group by group, between two blocks."""

    flat: Any
    grad: Any
    buffers: Any
    remembered: Sequence[Any]
