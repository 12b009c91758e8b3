"""The live display below the printed lines while work goes on; in a terminal only."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

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


def bar(console: Console, total: float, done: float, words: str) -> Table:
    """A progress bar with words beside it."""
    line = Table.grid(padding=(0, 2))
    drawn = ProgressBar(total=total, completed=done, width=min(24, console.width // 3))
    line.add_row(drawn, Text(words, style="dim", no_wrap=True))
    return line


def seconds_left(elapsed: float, done: float, total: float) -> float:
    """The estimated remaining time, from the progress so far; 0 before there is any."""
    return max(0.0, elapsed / done * (total - done)) if done > 0 else 0.0
