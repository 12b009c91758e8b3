"""What a diagnosis consists of."""

import textwrap
from typing import NamedTuple, final

WIDEST = 100
"""Characters of a line of text, at most."""


@final
class Finding(NamedTuple):
    """One thing that is wrong: its name, what was seen, with the numbers, and what to do about it.

    `sign` is a fixed name, for programs; `seen` and `advice` are sentences. `where` is the line of a program that was
    watched, with its file.
    """

    sign: str
    seen: str
    advice: str
    where: str | None = None

    def lines(self, number: int) -> list[str]:
        """As text, numbered."""
        where = [] if self.where is None else [f"   {self.where}"]
        return [f"{number}  {self.sign}: {self.seen}", *where, f"   {self.advice}"]


@final
class Trial(NamedTuple):
    """The training once more from its start, for `steps` steps, with one thing changed.

    `change` says what, `options` how to ask for it, where there is an option. `train_loss` and `valid_loss` are
    measured in evaluation mode after the steps, on a sample of the rows; infinite if the loss did not stay finite.
    `update_ratio` is the middle one of |update| / |parameters| over the steps; about a thousandth is usual.
    """

    name: str
    change: str
    options: str
    steps: int
    train_loss: float
    valid_loss: float | None
    update_ratio: float


def figure(value: float) -> str:
    """A number in a sentence: four digits that count; "inf" for a loss that did not stay finite."""
    return f"{value:.4g}"


def figure_in_list(value: float) -> str:
    """The same in a list of numbers, where all four digits are written: 1.000 for 1."""
    return f"{value:#.4g}".rstrip(".")


def wrapped(text: str, width: int) -> str:
    """The text in lines of this width at most, with what hangs together below each other."""
    lines = []
    for line in text.splitlines():
        hanging = "   " if line[:1].isdigit() or line.startswith("   ") else ""
        lines += textwrap.wrap(line, min(width, WIDEST), subsequent_indent=hanging) or [""]
    return "\n".join(lines)
