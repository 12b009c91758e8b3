"""A table twice as large as the memory for a process's data is trained on, from its files to its figures."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

ADDRESSES, DATA = 1710 * 2**20, 760 * 2**20
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
from fivestep.machine.memory import give_back_soon
give_back_soon()
import polars
polars.scan_parquet(sys.argv[1]).head(int(sys.argv[2])).collect()
"""

MAP = """
import numpy, polars
if sys.argv[1].endswith("npy"):
    numpy.load(sys.argv[1], mmap_mode="r")
else:
    polars.scan_ipc(sys.argv[1]).head(9).collect()
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
    """The command line in a process with these limits: in one thread, because the stack of each counts as data.

    Of the environment it has what finds files: libraries of tests before leave there what others of them go by.
    """
    found = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "HOME", "TMPDIR") if name in os.environ}
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "POLARS_MAX_THREADS", "MKL_NUM_THREADS"), "1")
    command = [sys.executable, "-c", LIMITED + code, *words]
    return subprocess.run(command, capture_output=True, text=True, env=found | one_thread, check=False)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the limit is one of Linux")
def test_a_table_twice_the_memory_for_data_is_trained_on(tmp_path: Path) -> None:
    """One byte kept for each of its numbers would be too much."""
    for number in range(FILES):
        write_table(tmp_path / f"part-{number}.parquet", seed=number)
    while sum(file.stat().st_size for file in tmp_path.glob("*.parquet")) < 2 * DATA:
        (tmp_path / f"part-{(number := number + 1)}.parquet").hardlink_to(tmp_path / f"part-{number % FILES}.parquet")
    words = ["train", str(tmp_path / "*.parquet"), "--target", "y", "--out", str(tmp_path / "run"), "--model", "linear"]
    options = ["--epochs", "1", "--batch-size", "8192", "--lr", "0.1", "--engine", "scratch"]
    few = limited(READ, words[1], "1000")
    assert few.returncode == 0, few.stderr
    assert limited(READ, words[1], "100000000").returncode != 0  # in memory all rows do not fit
    streamed = limited(TRAIN, *words, *options, "--stream", "--window", "200000")
    assert streamed.returncode == 0, streamed.stderr
    assert "The network beats the mean" in streamed.stdout


def write_array(path: Path) -> None:
    """The same in an array that does not fit into the addresses, of which only the first rows take room on the disk."""
    rows = np.random.default_rng(0).normal(size=(65_536, NUM_COLUMNS + 1))
    rows[:, -1] = rows[:, :-1].sum(1)
    num_rows = 1 + ADDRESSES // rows[0].nbytes
    header = {"descr": "<f8", "fortran_order": False, "shape": (num_rows, NUM_COLUMNS + 1)}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        start = file.tell()
        file.write(rows.data)
        file.truncate(start + num_rows * rows[0].nbytes)


def write_batches(path: Path) -> None:
    """The same in an Arrow file that does not fit into the addresses, of one batch many times over."""
    rows = np.random.default_rng(0).normal(size=(65_536, NUM_COLUMNS))
    columns = {f"column_{k + 1}": column for k, column in enumerate([*rows.T, rows.sum(1)])}
    batch = pa.RecordBatch.from_pydict(columns)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, batch.schema) as writer:
        for _ in range(1 + ADDRESSES // batch.nbytes):
            writer.write_batch(batch)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the limit is one of Linux")
@pytest.mark.parametrize(("name", "write"), [("a.npy", write_array), ("a.arrow", write_batches)])
def test_a_file_that_cannot_be_mapped_is_trained_on(tmp_path: Path, name: str, write: Callable[[Path], None]) -> None:
    write(tmp_path / name)
    held_out = np.random.default_rng(1).normal(size=(1000, NUM_COLUMNS + 1))
    pl.from_numpy(held_out, [f"column_{k + 1}" for k in range(NUM_COLUMNS + 1)]).write_csv(tmp_path / "other.csv")
    assert (tmp_path / name).stat().st_size > ADDRESSES
    assert limited(MAP, str(tmp_path / name)).returncode != 0
    words = ["train", str(tmp_path / name), "--target", f"column_{NUM_COLUMNS + 1}", "--stream", "--window", "200000"]
    other = ["--valid", str(tmp_path / "other.csv"), "--test", str(tmp_path / "other.csv")]
    few = ["--ignore", *(f"column_{k + 1}" for k in range(4, NUM_COLUMNS))]
    options = ["--model", "linear", "--epochs", "1", "--batch-size", "8192", "--engine", "scratch", "--recipe", "plain"]
    streamed = limited(TRAIN, *words, *other, *few, *options, "--out", str(tmp_path / "run"))
    assert streamed.returncode == 0, streamed.stderr
    assert (tmp_path / "run" / "model.safetensors").exists()
