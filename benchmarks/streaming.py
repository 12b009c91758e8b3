"""Streams from files: how fast the reader is, what an epoch costs, and how well the rows are shuffled.

    python benchmarks/streaming.py [reader] [epoch] [shuffle] [ROUNDS]

`reader`: rows a second of fifty columns from a warm cache: the row groups as pyarrow reads them, as polars does, and
the stream's windows, encoded and shuffled, decoded each time. `epoch`: the same rows and the networks 50-512-512-512-1
(engine `scratch`) and 50-16-1 (`fused`) from files and in memory, epoch by epoch in turn; "files, decoded" is a first
epoch, which waits for its first window, decodes, and keeps what it has encoded; "files, kept" is one after it; "no
less, decoded" is what a first one cannot fall below: the processor time of training and of reading, on all processors
alike. `shuffle`: a file sorted by its label: how far rows move, how mixed the batches are, and the loss after training,
beside a full shuffle. Without a name all three are measured; each has a file of its own in `results/`, and those that
are not measured stay.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pyarrow.parquet
import torch
from _asked import words_asked
from _measure import PAUSE, interleaved, ratios, save, spread
from _sections import show

import fivestep as fs
from fivestep.batches import Batches
from fivestep.datasets._base import Dataset, Rows, Stream
from fivestep.datasets._table import TableSource, load_table
from fivestep.datasets._table.encoded_blocks import EncodedBlocks
from fivestep.datasets._table.table_stream import TableStream
from fivestep.machine.threads import num_processors

NUM_COLUMNS, NUM_ROWS, ROW_GROUP = 50, 1_000_000, 131_072
KINDS: Mapping[str, Mapping[str, Any]] = {
    "snappy": {},
    "zstd": {"compression": "zstd"},
    "plain": {"compression": "none", "use_dictionary": False},
}
CPU = torch.device("cpu")


class Race(NamedTuple):
    """A network that is trained from files and in memory, and how many epochs at a time."""

    engine: str
    spec: fs.NetSpec
    plan: fs.TrainPlan
    epochs: int = 1


ADAM = fs.TrainPlan(loss="mse", optimizer="adam", lr=1e-3, batch_size=1024, epochs=10_000)
RACES = {
    "large": Race("scratch", fs.MLP(None, 512, 512, 512, None), ADAM),
    "small": Race("fused", fs.MLP(None, 16, None), ADAM, epochs=20),
}


def table(num_rows: int, seed: int = 0) -> pl.DataFrame:
    """Numbers with four decimals, and a target that is not linear in them."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(num_rows, NUM_COLUMNS)).round(4)
    y = np.sin(x[:, :10].sum(1)) + x[:, 10] * x[:, 11] + 0.1 * rng.normal(size=num_rows)
    return pl.DataFrame({f"x{k}": x[:, k] for k in range(NUM_COLUMNS)} | {"y": y})


def streamed(path: Path, **options: Any) -> Dataset:
    """The file as a stream with few rows held out."""
    return load_table(TableSource(str(path), "y", valid=0.001, test=0.001, stream=True, **options), seed=0).data


def stream_of(data: Dataset) -> Stream:
    """Its stream."""
    assert data.stream is not None
    return data.stream


def windows_of(data: Dataset, num_windows: int) -> Callable[[], float]:
    """Reads that many windows at every call, as fast as they come, and returns the seconds.

    Reading goes on between two calls: the window that is ready when a call begins is not counted, and the one that is
    being read when it ends is waited for.
    """
    windows = stream_of(data).windows(0, 0, 0)

    def read() -> float:
        next(windows)
        started = time.perf_counter()
        for _ in range(num_windows):
            next(windows)
        seconds = time.perf_counter() - started
        time.sleep(2 * seconds / num_windows)
        return seconds

    return read


def row_groups(path: Path, *, as_rows: bool = False) -> Callable[[], float]:
    """Reads every row group by pyarrow, into its own columns; or further, as rows of single precision."""

    def read() -> float:
        started = time.perf_counter()
        file = pyarrow.parquet.ParquetFile(path)
        for number in range(file.num_row_groups):
            table = file.read_row_group(number)
            if as_rows:
                np.stack([column.to_numpy() for column in table.columns], axis=1, dtype=np.float32, casting="same_kind")
        return time.perf_counter() - started

    return read


def slices(path: Path) -> Callable[[], float]:
    """Reads the same rows by polars."""

    def read() -> float:
        started = time.perf_counter()
        for start in range(0, NUM_ROWS, ROW_GROUP):
            pl.scan_parquet(path).slice(start, ROW_GROUP).collect()
        return time.perf_counter() - started

    return read


def in_turn(works: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """The seconds that each says it took, round by round, after one to warm up."""
    for work in works.values():
        work()
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            time.sleep(PAUSE)
            seconds[name].append(work())
    return seconds


def reader(rounds: int) -> dict[str, Any]:
    """Rows a second, for Parquet as pyarrow writes it by default, with zstd in place of snappy, and uncompressed."""
    found: dict[str, Any] = {"rounds": rounds}
    with tempfile.TemporaryDirectory() as folder:
        frame = table(NUM_ROWS)
        for name, options in KINDS.items():
            path = Path(folder) / f"{name}.parquet"
            pyarrow.parquet.write_table(frame.to_arrow(), path, row_group_size=ROW_GROUP, **options)
            found[name] = reader_of(path, rounds)
            path.unlink()
    return found


def reader_of(path: Path, rounds: int) -> dict[str, Any]:
    """The same for one file."""
    data = streamed(path, cache=False)
    works = {
        "pyarrow": row_groups(path),
        "pyarrow, as rows": row_groups(path, as_rows=True),
        "polars": slices(path),
        "stream": windows_of(data, 2),
    }
    seconds = in_turn(works, rounds)
    seconds["stream"] = [one * NUM_ROWS / (2 * data.num_rows) for one in seconds["stream"]]  # of as many rows
    speeds = {work: spread([NUM_ROWS / one for one in of]) for work, of in seconds.items()}
    over = ratios(seconds, "pyarrow")
    for work, speed in speeds.items():
        share = 1 / over[work]["median"]
        print(f"{path.stem:>8} {work:>16} {speed['median'] / 1e6:6.2f} M rows a second, {share:.2f} of pyarrow's")
    return {"rows_per_second": speeds, "time_over_pyarrow": over}


def in_memory(data: Dataset) -> Dataset:
    """The training rows of a stream's epoch, all in memory."""
    stream, parts, done = stream_of(data), [], 0
    for window in stream.windows(0, 0, 0):
        parts.append(window.rows.take(window.order))
        done += len(window.order)
        if done >= stream.num_rows:
            break
    rows = Rows(torch.cat([part.stored for part in parts]), torch.cat([part.y for part in parts]))
    return replace(data, train=rows, stream=None)


def epochs_of(data: Dataset, race: Race) -> Callable[[], float]:
    """Does the steps of some more epochs at every call, without evaluation, and says how many."""
    engine = fs.make_engine(race.engine, race.plan.sized(race.spec, data), race.plan, device="cpu")
    stream, done = fs.steps(engine, data, race.plan, every=1), count(1)
    per_epoch = race.plan.steps_per_epoch(data.num_rows)

    def epochs() -> float:
        for _ in range(race.epochs):
            end = next(done) * per_epoch
            while next(stream).number < end:
                pass
        return float(race.epochs)

    return epochs


def first_epochs_of(data: Dataset, race: Race) -> Callable[[], float]:
    """Does the steps of one epoch at every call, the first one that its stream knows of, and says that it was one."""
    engine = fs.make_engine(race.engine, race.plan.sized(race.spec, data), race.plan, device="cpu")
    stream, per_epoch, done = stream_of(data), race.plan.steps_per_epoch(data.num_rows), count()
    assert isinstance(stream, TableStream)

    def first_epoch() -> float:
        start = next(done) * per_epoch
        fresh = replace(data, stream=replace(stream, kept=stream.kept and EncodedBlocks(stream.counts)))
        for step in fs.steps(engine, fresh, race.plan, start, every=1):
            if step.number == start + per_epoch:
                break
        return 1.0

    return first_epoch


def reading(data: Dataset) -> float:
    """Processor seconds of all threads for the windows of an epoch, decoded, encoded and kept, with nothing beside."""
    stream = stream_of(data)
    assert isinstance(stream, TableStream)
    fresh = replace(stream, kept=EncodedBlocks(stream.counts), num_epochs=2)
    started = time.process_time()
    for _ in zip(stream.groups(0, 0), fresh.windows(0, 0, 0), strict=False):
        pass
    return time.process_time() - started


def training(work: Callable[[], float]) -> float:
    """Processors that are busy with a work on average, threads that wait for each other included."""
    started, processor = time.perf_counter(), time.process_time()
    work()
    return (time.process_time() - processor) / (time.perf_counter() - started)


def epoch(rounds: int) -> dict[str, Any]:
    """Seconds of an epoch from files over those in memory, for a large network and for a small one."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.parquet"
        pyarrow.parquet.write_table(table(262_144).to_arrow(), path, row_group_size=16_384)
        data = streamed(path, window=32_768)
        found = {name: epoch_of(data, race, rounds) for name, race in RACES.items()}
    large, small = found["large"], found["small"]
    return {"rounds": rounds, **large, "small": small}


def epoch_of(data: Dataset, race: Race, rounds: int) -> dict[str, Any]:
    """The same for one network."""
    works = {
        "memory": epochs_of(in_memory(data), race),
        "files, decoded": first_epochs_of(data, race),
        "files, kept": epochs_of(data, race),
    }
    seconds = interleaved(works, rounds)  # a first call of each does not count, after which rows are kept
    busy, more = training(works["memory"]), statistics.median(reading(data) for _ in range(rounds))
    seconds["no less, decoded"] = [max(one, (busy * one + more) / num_processors()) for one in seconds["memory"]]
    over = ratios(seconds, "memory")
    for name, ratio in over.items():
        print("{name:>16} over memory: {median:.3f} ({low:.3f} to {high:.3f})".format(name=name, **ratio))
    return {
        "seconds": {name: spread(of) for name, of in seconds.items()},
        "over_memory": over,
        "processors_of_training": busy,
        "processor_seconds_of_reading": more,
    }


def sorted_table(num_rows: int) -> pl.DataFrame:
    """Four classes, all rows of one before those of the next, and their places."""
    rng = np.random.default_rng(0)
    y = np.sort(rng.integers(0, 4, num_rows))
    x = rng.normal(size=(num_rows, 8)) + np.eye(4, 8)[y] * 1.5
    return pl.DataFrame({f"x{k}": x[:, k] for k in range(8)} | {"place": np.arange(num_rows) + 0.5, "y": y})


def batches_of(data: Dataset) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Inputs and classes of the batches of an epoch."""
    for batch in Batches(data, 256, 0, torch.float32, CPU).epoch(0):
        yield batch.x.clone(), batch.y.clone()


def quality(data: Dataset, without_places: Dataset) -> dict[str, float]:
    """How mixed the batches of an epoch are, how far rows move, and the loss that training ends with."""
    shares = torch.stack([torch.bincount(y, minlength=4) / len(y) for _, y in batches_of(data)][:-1])
    order = torch.cat([x[:, 8] for x, _ in batches_of(data)]).argsort().argsort().double()
    moved = (order - torch.arange(len(order))).abs() / len(order)
    plan = fs.TrainPlan(lr=0.05, batch_size=256, epochs=3)
    spec = plan.sized(fs.MLP(None, 32, None), without_places)
    engine = fs.make_engine("scratch", spec, plan, device="cpu")
    for _ in fs.steps(engine, without_places, plan):
        pass
    assert without_places.valid is not None
    return {
        "deviation_of_shares": float(shares.std(0).mean()),
        "mean_displacement": float(moved.mean()),
        "loss": fs.evaluate(engine, without_places.valid).loss,
    }


def shuffle(_rounds: int) -> dict[str, Any]:
    """The same figures for windows of 2 to all blocks of a sorted file of 64 blocks, and for a full shuffle."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sorted.parquet"
        sorted_table(262_144).write_parquet(path, row_group_size=4096)
        for blocks in (1, 2, 4, 8, 16, 64):
            options: dict[str, Any] = {"window": blocks * 4096, "task": "classification"}
            data, without = streamed(path, **options), streamed(path, ignore=("place",), **options)
            found[f"window of {blocks} blocks"] = quality(data, without)
        found["full shuffle"] = quality(in_memory(data), in_memory(without))
    for name, figures in found.items():
        print(f"{name:>20}", "  ".join(f"{key} {value:.4f}" for key, value in figures.items()))
    return found


PARTS = {"reader": reader, "epoch": epoch, "shuffle": shuffle}


if __name__ == "__main__":
    numbers, chosen = words_asked(__doc__, "PART or ROUNDS", known=PARTS)
    for part in chosen or PARTS:
        save(f"streaming_{part}", PARTS[part]((numbers or [5])[0]))
        show(f"streaming_{part}")
