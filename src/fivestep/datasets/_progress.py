"""The progress of downloads and reading: a bar in a terminal, and occasional lines elsewhere."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SECONDS = 30.0
"""Seconds between two lines of a long reading, outside a terminal; a short one prints none."""


@contextmanager
def download_bar(name: str) -> Iterator[Callable[[int, int | None], None]]:
    """A progress bar on standard error; call what it gives with the bytes that are there and their total, if known."""
    if not sys.stderr.isatty():
        yield _show_nothing
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task(name, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


@contextmanager
def waiting(text: str) -> Iterator[None]:
    """A line with a spinner on standard error, for work of unknown length."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(text):
        yield


@contextmanager
def reading_bar(text: str, num_blocks: int) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error; call what it gives with the blocks and the rows that have been read.

    Outside a terminal a line is printed every half a minute. Of the ranks that train together, the first one shows it.
    """
    if os.environ.get("RANK", "0") != "0":
        yield _show_nothing
        return
    if not sys.stderr.isatty():
        yield _lines(text, num_blocks)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    console = Console(stderr=True)
    columns = (BarColumn(min(24, console.width // 3)), TextColumn("{task.fields[words]}", style="dim"))
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=num_blocks, words=text)
        yield lambda blocks, rows: progress.update(task, completed=blocks, words=f"{text}: {rows:,} rows")


def _lines(text: str, num_blocks: int) -> Callable[[int, int], None]:
    """Prints a line for what has been read, if the last one was long ago."""
    last = time.monotonic()

    def show(blocks: int, rows: int) -> None:
        nonlocal last
        if time.monotonic() - last >= SECONDS:
            last = time.monotonic()
            sys.stderr.write(f"{text}: {rows:,} rows, {blocks / num_blocks:.0%} of the blocks\n")
            sys.stderr.flush()

    return show


def _show_nothing(_done: int, _total: int | None) -> None:
    pass
