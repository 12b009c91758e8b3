"""One set of numbers in the drawing of a network."""

from typing import NamedTuple


class Column(NamedTuple):
    """The numbers behind a layer: the layer's name, how many they are, their shape, and its parameters with theirs.

    `is_dense` says that each of them depends on all the numbers before, and not on one alone.
    """

    name: str
    width: int
    shape: str
    parameters: tuple[str, ...] = ()
    is_dense: bool = True
