"""What an update rule must know about a parameter beyond its numbers."""

from typing import NamedTuple


class Group(NamedTuple):
    """Parameters that share these values lie side by side in the flat vector, so a rule moves them in one call."""

    is_matrix: bool
    lr_factor: float = 1.0
    decays: bool = True
