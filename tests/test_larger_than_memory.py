"""A table four times larger than the memory of a process is trained on, from its files to its figures."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

LIMIT = 1200 * 2**20
"""Bytes that the process may have for its data; without any rows, torch and polars take some 290 MB of them."""

NUM_COLUMNS, ROWS_OF_A_FILE = 50, 655_360

READ = """
import resource, sys
resource.setrlimit(resource.RLIMIT_DATA, ({limit}, {limit}))
import polars
polars.read_parquet(sys.argv[1] + "/*.parquet")
"""

TRAIN = """
import resource, sys
resource.setrlimit(resource.RLIMIT_DATA, ({limit}, {limit}))
from fivestep.cli._app import run
sys.exit(run(sys.argv[1:]))
"""


def table(seed: int) -> pl.DataFrame:
    """A linear target and fifty columns of numbers, repeated from a tenth of the rows, in float64."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(ROWS_OF_A_FILE // 10, NUM_COLUMNS))
    frame = pl.DataFrame({f"x{k}": x[:, k] for k in range(NUM_COLUMNS)} | {"y": x @ np.linspace(-1, 1, NUM_COLUMNS)})
    return pl.concat([frame] * 10)


def limited(code: str, *words: str) -> "subprocess.CompletedProcess[str]":
    """The command line in a process with that limit: in one thread, because the stack of each counts as data."""
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "POLARS_MAX_THREADS", "MKL_NUM_THREADS"), "1")
    command = [sys.executable, "-c", code.format(limit=LIMIT), *words]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | one_thread, check=False)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the limit is one of Linux")
def test_a_table_four_times_the_memory_is_trained_on(tmp_path: Path) -> None:
    files = 0
    while sum(file.stat().st_size for file in tmp_path.glob("*.parquet")) < 4 * LIMIT:
        path = tmp_path / f"part-{files}.parquet"
        table(files).write_parquet(path, compression="uncompressed", row_group_size=65_536, statistics=False)
        files += 1
    words = ["train", str(tmp_path / "*.parquet"), "--target", "y", "--out", str(tmp_path / "run"), "--model", "linear"]
    options = ["--epochs", "1", "--batch-size", "8192", "--lr", "0.1", "--engine", "scratch"]
    assert limited(READ, str(tmp_path)).returncode != 0  # in memory the rows do not fit
    streamed = limited(TRAIN, *words, *options, "--stream", "--window", "200000")
    assert streamed.returncode == 0, streamed.stderr
    assert "The network beats the mean" in streamed.stdout
