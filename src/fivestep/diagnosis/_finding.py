"""The parts of a diagnosis."""

import textwrap
from typing import NamedTuple, final

WIDEST = 100
"""The most characters in a line of text."""


@final
class Finding(NamedTuple):
    """One thing that is wrong: its name, what was seen, with numbers, and what to do about it.

    `sign` is a fixed name, for programs; `seen` and `advice` are sentences. `where` is the file and line of a watched
    program, `training` says in which of its trainings, if it has several.
    """

    sign: str
    seen: str
    advice: str
    where: str | None = None
    training: str | None = None

    def lines(self, number: int) -> list[str]:
        """The finding as numbered lines of text."""
        where = [] if self.where is None else [f"   {self.where}"]
        which = "" if self.training is None else f" {self.training}"
        return [f"{number}  {self.sign}{which}: {self.seen}", *where, f"   {self.advice}"]


@final
class Trial(NamedTuple):
    """The training repeated from its start for `steps` steps, with one thing changed.

    `change` says what, `options` has the command-line options for it, if there are any. `train_loss` and `valid_loss`
    are measured in evaluation mode after the steps, on a sample of the rows; infinite if the loss did not stay finite.
    `update_ratio` is the median of |update| / |parameters| over the steps; about a thousandth is usual.
    """

    name: str
    change: str
    options: str
    steps: int
    train_loss: float
    valid_loss: float | None
    update_ratio: float


def figure(value: float) -> str:
    """A number in a sentence: four significant digits; "inf" for a loss that did not stay finite."""
    return f"{value:.4g}"


def figure_in_list(value: float) -> str:
    """The same in a list of numbers, always with four digits: 1.000 for 1."""
    return f"{value:#.4g}".rstrip(".")


def wrapped(text: str, width: int) -> str:
    """The text wrapped to this width with a hanging indent."""
    lines = []
    for line in text.splitlines():
        hanging = "   " if line[:1].isdigit() or line.startswith("   ") else ""
        lines += textwrap.wrap(line, min(width, WIDEST), subsequent_indent=hanging) or [""]
    return "\n".join(lines)
