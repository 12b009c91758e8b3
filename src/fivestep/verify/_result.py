"""What a verification ends with: a verdict, and a report to read."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, final


class Verification(ABC):
    """The verdict `agrees`, and as `str(...)` the report."""

    @property
    @abstractmethod
    def agrees(self) -> bool:
        """Whether nothing differs by more than the tolerance."""

    @abstractmethod
    def lines(self) -> list[str]:
        """The report, the verdict in its first line."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """The same as plain values."""

    @final
    def __str__(self) -> str:
        return "\n".join(self.lines())


def table(rows: Sequence[Sequence[str]], left: Sequence[int] = (0,)) -> list[str]:
    """The rows with their columns aligned: those in `left` at the left, numbers at the right."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if k in left else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def short(number: float) -> str:
    """Two digits: "1.1e-16"; "0" for none."""
    return f"{number:.1e}" if number else "0"
