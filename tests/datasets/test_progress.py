"""What is seen while a file is looked at: a bar in a terminal, lines elsewhere if it takes long, one rank alone."""

import os
import pty
import re
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from fivestep.datasets import _progress
from fivestep.datasets._progress import reading_bar
from tests.datasets.streams import NUM_ROWS, loaded, written


def test_a_terminal_shows_a_bar_and_the_rows_so_far_in_its_width(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERM", "xterm")
    with os.fdopen(theirs, "w") as stream, monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", stream)
        with reading_bar("looking at the rows", 4) as show:
            show(1, 131_072)
            show(4, 524_288)
    shown = plain(all_of(ours))
    assert "looking at the rows: 524,288 rows" in shown
    assert max(len(line) for line in shown.splitlines()) <= 40


def all_of(terminal: int) -> str:
    """Everything that was written to a terminal whose other end is closed."""
    found = b""
    with suppress(OSError):  # which is how a terminal says that there is no more
        while part := os.read(terminal, 4096):
            found += part
    os.close(terminal)
    return found.decode()


def plain(text: str) -> str:
    """The text without the commands to a terminal."""
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text).replace("\r", "\n")


def test_elsewhere_a_line_is_printed_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    moments = iter([0.0, 29.0, 30.0, 30.0, 31.0, 60.0, 60.0])
    monkeypatch.setattr(_progress.time, "monotonic", lambda: next(moments))
    with reading_bar("looking at the rows", 8) as show:
        for block in range(1, 5):
            show(block, 1000 * block)
    assert capsys.readouterr().err.splitlines() == [
        "looking at the rows: 2,000 rows, 25% of the blocks",
        "looking at the rows: 4,000 rows, 50% of the blocks",
    ]


def test_of_several_ranks_the_first_one_shows_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_progress, "SECONDS", 0.0)
    monkeypatch.setenv("RANK", "1")
    with reading_bar("looking at the rows", 8) as show:
        show(1, 1000)
    assert capsys.readouterr().err == ""


def test_a_pass_over_files_shows_all_rows_that_were_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_progress, "SECONDS", 0.0)
    loaded(written(tmp_path))
    assert capsys.readouterr().err.splitlines()[-1] == f"looking at the rows: {NUM_ROWS} rows, 100% of the blocks"
