"""What a verification ends with: a verdict, and a report to read."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from textwrap import wrap
from typing import Any, final

WIDTH = 80
"""Characters in a line of a report."""


class Verification(ABC):
    """The verdict `agrees`, and as `str(...)` the report."""

    @property
    @abstractmethod
    def agrees(self) -> bool:
        """Whether nothing differs by more than the tolerance, or than rounding can explain."""

    @abstractmethod
    def lines(self, width: int = WIDTH) -> list[str]:
        """The report in lines of at most `width` characters where they can be broken, the verdict in the first."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """The same as plain values."""

    @final
    def __str__(self) -> str:
        return "\n".join(self.lines())


def table(rows: Sequence[Sequence[str]], left: Sequence[int] = (0,)) -> list[str]:
    """The rows with their columns aligned: those in `left` at the left, numbers at the right."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    aligned = [
        [
            cell.ljust(width) if k in left else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        for row in rows
    ]
    return ["  ".join(row).rstrip() for row in aligned]


def short(number: float) -> str:
    """Two digits: "1.1e-16"; "0" for none."""
    return f"{number:.1e}" if number else "0"


def indexed(element: Sequence[int]) -> str:
    """Such as "[2,0]", which no line breaks; nothing for a single number."""
    return f"[{','.join(map(str, element))}]" if element else ""


def paragraph(text: str, width: int) -> list[str]:
    """The text in lines, and no line for no text. Names of tensors stay whole."""
    return wrap(text, width, break_on_hyphens=False)


def together(*blocks: list[str]) -> list[str]:
    """The blocks that have lines, with an empty line between them."""
    lines: list[str] = []
    for block in filter(None, blocks):
        lines += ["", *block] if lines else block
    return lines


def num_steps_text(number: int) -> str:
    """A number of steps in words."""
    return "one step" if number == 1 else f"{number:,} steps"
