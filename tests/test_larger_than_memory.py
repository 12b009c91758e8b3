"""A table four times larger than the memory of a process is trained on, from its files to its figures."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

ADDRESSES, DATA = 1650 * 2**20, 700 * 2**20
"""Bytes that the process may have in all, and for its data.

The code of torch, numba, polars and Arrow takes some 850 MB of addresses, and what they keep 400 MB of data; two
windows take 80 MB.
"""

NUM_COLUMNS, ROWS_OF_A_FILE, FILES = 50, 655_360, 3

LIMITED = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({ADDRESSES}, {ADDRESSES}))
resource.setrlimit(resource.RLIMIT_DATA, ({DATA}, {DATA}))
"""

READ = """
from fivestep.memory import give_back_soon
give_back_soon()
import polars
polars.scan_parquet(sys.argv[1]).head(int(sys.argv[2])).collect()
"""

TRAIN = """
from fivestep.cli._app import run
sys.exit(run(sys.argv[1:]))
"""


def write_table(path: Path, seed: int) -> None:
    """A linear target and fifty columns of numbers, repeated from a tenth of the rows, in float64."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(ROWS_OF_A_FILE // 10, NUM_COLUMNS))
    frame = pl.DataFrame({f"x{k}": x[:, k] for k in range(NUM_COLUMNS)} | {"y": x @ np.linspace(-1, 1, NUM_COLUMNS)})
    whole = pl.concat([frame] * 10)
    whole.write_parquet(path, compression="uncompressed", row_group_size=65_536, statistics=False)


def limited(code: str, *words: str) -> "subprocess.CompletedProcess[str]":
    """The command line in a process with these limits: in one thread, because the stack of each counts as data."""
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "POLARS_MAX_THREADS", "MKL_NUM_THREADS"), "1")
    command = [sys.executable, "-c", LIMITED + code, *words]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | one_thread, check=False)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the limit is one of Linux")
def test_a_table_four_times_the_memory_is_trained_on(tmp_path: Path) -> None:
    for number in range(FILES):
        write_table(tmp_path / f"part-{number}.parquet", seed=number)
    while sum(file.stat().st_size for file in tmp_path.glob("*.parquet")) < 4 * ADDRESSES:
        (tmp_path / f"part-{(number := number + 1)}.parquet").hardlink_to(tmp_path / f"part-{number % FILES}.parquet")
    words = ["train", str(tmp_path / "*.parquet"), "--target", "y", "--out", str(tmp_path / "run"), "--model", "linear"]
    options = ["--epochs", "1", "--batch-size", "8192", "--lr", "0.1", "--engine", "scratch"]
    few = limited(READ, words[1], "1000")
    assert few.returncode == 0, few.stderr
    assert limited(READ, words[1], "100000000").returncode != 0  # in memory all rows do not fit
    streamed = limited(TRAIN, *words, *options, "--stream", "--window", "200000")
    assert streamed.returncode == 0, streamed.stderr
    assert "The network beats the mean" in streamed.stdout
