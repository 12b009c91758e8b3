"""Where the numbers of a network are kept outside the compiled body."""

from collections.abc import Sequence
from typing import Any, NamedTuple


class Held(NamedTuple):
    """Where they are between two blocks; what the rule remembers, one group of parameters after another."""

    flat: Any
    grad: Any
    buffers: Any
    remembered: Sequence[Any]
