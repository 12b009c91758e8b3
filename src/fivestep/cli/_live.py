"""The live display below the printed lines while work goes on; in a terminal only."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

TIMES_A_SECOND = 8
"""The refresh rate."""


def live(console: Console, shown: RenderableType) -> AbstractContextManager[Any]:
    """A context in which `shown` is displayed below the printed lines, and removed at the end."""
    if not console.is_terminal:
        return nullcontext()
    return Live(shown, console=console, refresh_per_second=TIMES_A_SECOND, transient=True)


class Pace(NamedTuple):
    """What is done of a whole, of which `first` was done before, and the seconds since then."""

    done: float
    total: float
    first: float
    seconds: float

    @property
    def seconds_left(self) -> float | None:
        """The estimated remaining time; None before there is any progress."""
        here = self.done - self.first
        return max(0.0, self.seconds / here * (self.total - self.done)) if here > 0 else None


def bar(console: Console, pace: Pace, words: str) -> Table:
    """A progress bar with words beside it, and the remaining time if it is known."""
    left = pace.seconds_left
    words += "" if left is None else f", {_duration(left)} left"
    line = Table.grid(padding=(0, 2))
    drawn = ProgressBar(total=pace.total, completed=pace.done, width=min(24, console.width // 3))
    line.add_row(drawn, Text(words, style="dim", no_wrap=True))
    return line


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
