"""The result of a verification: a verdict and a readable report."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from textwrap import wrap
from typing import Any, final

WIDTH = 80
"""Characters in a line of a report."""


class Verification(ABC):
    """The verdict `agrees`, and the report as `str(...)`."""

    @property
    @abstractmethod
    def agrees(self) -> bool:
        """Whether no difference exceeds the tolerance without being explained by rounding."""

    @abstractmethod
    def lines(self, width: int = WIDTH) -> list[str]:
        """The report in lines of at most `width` characters where possible, beginning with the verdict."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """The result as plain values."""

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
    """An index such as "[2,0]", which is never broken; empty for a scalar."""
    return f"[{','.join(map(str, element))}]" if element else ""


def paragraph(text: str, width: int) -> list[str]:
    """The text wrapped to lines, none for an empty text. Names of tensors are not broken."""
    return wrap(text, width, break_on_hyphens=False)


def together(*blocks: list[str]) -> list[str]:
    """The nonempty blocks, separated by empty lines."""
    lines: list[str] = []
    for block in filter(None, blocks):
        lines += ["", *block] if lines else block
    return lines


def num_steps_text(number: int) -> str:
    """A number of steps as text."""
    return "one step" if number == 1 else f"{number:,} steps"
