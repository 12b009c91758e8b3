"""A step of the loop as plain data: sections, blocks, entries."""

from typing import NamedTuple

from torch import Tensor


class Entry(NamedTuple):
    """A tensor of the step: its name, a copy of its values, the formula it comes from, and a note in words."""

    name: str
    tensor: Tensor
    formula: str = ""
    note: str = ""

    @property
    def shape(self) -> tuple[int, ...]:
        """The tensor's shape, () for a single number."""
        return tuple(self.tensor.shape)


class Block(NamedTuple):
    """Tensors that belong together: those of layer number `layer`, of the loss, or of the update rule.

    `side_by_side` means that all have one shape and correspond element by element, such as old and new weights.
    """

    title: str
    entries: list[Entry]
    text: str = ""
    layer: int | None = None
    side_by_side: bool = False


class Place(NamedTuple):
    """A source location: its engine or item, the file in the package, the first line, and the code."""

    name: str
    file: str
    line: int
    code: str


class Section(NamedTuple):
    """One of the five steps: its number from 1 to 5, its name, what it is for, its tensors in blocks, its sources."""

    number: int
    name: str
    text: str
    blocks: list[Block]
    places: tuple[Place, ...] = ()

    @property
    def entries(self) -> list[Entry]:
        """All tensors of the step, in order."""
        return [entry for block in self.blocks for entry in block.entries]
