"""How much memory a table takes while it is read and encoded, beside the size of its file."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

MOST = 2.3
"""Times the file's size, for numbers of seven characters and a few words in fifty columns."""

LOAD = """
import resource, sys
from fivestep.datasets._table import TableSource, load_table
data = load_table(TableSource(sys.argv[1], "y"), seed=0).data
print(len(data.train), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def written(path: Path, num_rows: int) -> Path:
    chance = np.random.default_rng(0)
    columns: dict[str, np.ndarray] = {f"x{k}": chance.normal(size=num_rows).round(4) for k in range(47)}
    columns |= {f"c{k}": chance.choice(["red", "green", "blue"], num_rows) for k in range(2)}
    pl.DataFrame({**columns, "y": columns["x0"]}).write_csv(path)
    return path


def peak(path: Path) -> tuple[int, int]:
    """Training rows, and the largest resident memory in bytes of a process that loads the table."""
    out = subprocess.run([sys.executable, "-c", LOAD, path], check=True, capture_output=True, text=True).stdout
    num_rows, num_bytes = map(int, out.split())
    return num_rows, num_bytes


@pytest.mark.slow
def test_reading_and_encoding_takes_less_than_two_and_a_third_of_the_files_size(tmp_path: Path) -> None:
    """Beyond what the same process takes for a table of few rows: the libraries, and their compiled code."""
    small, large = written(tmp_path / "small.csv", 40_000), written(tmp_path / "large.csv", 400_000)
    (few, base), (many, most) = peak(small), peak(large)
    assert (few, many) == (25_600, 256_000)
    assert most - base < MOST * (large.stat().st_size - small.stat().st_size)
