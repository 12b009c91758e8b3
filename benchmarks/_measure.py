"""What every benchmark here does alike: contestants in turn, medians and spread, a table, a file with the machine."""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

HERE = Path(__file__).parent
RESULTS = Path(os.environ.get("BENCHMARK_RESULTS", HERE / "results"))
"""Where results are kept; `run_all.py --quick` keeps its own elsewhere."""

PAUSE = 0.2
"""Seconds before each window: the threads of the library that was measured before spin for a while when it is done."""

PACKAGES = ("torch", "numpy", "numba", "scikit-learn", "jax", "keras", "skorch", "lightning", "polars", "pyarrow")
"""Those whose versions a figure depends on."""

OURS, THEIRS = "matrix products, fivestep's", "matrix products, torch.mm"
"""The names of the two floors of a step (`_floors.py`)."""

Contestant = Callable[[], float | None]
"""Does one window of work, the same work at every call; or else it says what part of it that was, such as 1.2."""


def as_installed() -> dict[str, str]:
    """The environment of a process that is timed from its start: Python keeps the modules that it has compiled.

    Whoever installs a package has them compiled by pip, ours as well as those of the rivals. Where Python is told to
    keep none, ours, which is not installed but read where it lies, would be compiled in each process.
    """
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def interleaved(contestants: Mapping[str, Contestant], rounds: int, *, warm: bool = True) -> dict[str, list[float]]:
    """Seconds of a window of each contestant, round by round. They take turns, each round beginning with another one.

    So a machine whose speed drifts, or that is busy for a while, is so for all of them. Each does a first window that
    does not count, to be `warm`, unless it has just done one.
    """
    for work in contestants.values() if warm else ():
        work()  # warm: memory allocated, kernels chosen
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    names = list(contestants)
    for number in range(rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            time.sleep(PAUSE)
            started = time.perf_counter()
            part = contestants[name]()
            seconds[name].append((time.perf_counter() - started) / (part or 1.0))
    return seconds


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, first and third quartile; of a single value, itself."""
    values = list(values) * 2 if len(values) == 1 else values
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return {"median": middle, "low": low, "high": high}


def ratios(seconds: Mapping[str, Sequence[float]], floor: str) -> dict[str, dict[str, float]]:
    """Each contestant's time over that of `floor`, round by round, as median and quartiles."""
    return {
        name: spread([mine / least for mine, least in zip(values, seconds[floor], strict=True)])
        for name, values in seconds.items()
    }


def machine() -> dict[str, Any]:
    """The hardware and the versions that a figure belongs to."""
    packages = {}
    for name in PACKAGES:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            packages[name] = "not installed"
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "packages": packages,
    }


def save(name: str, result: Mapping[str, Any]) -> Path:
    """Writes the result beside the benchmark, with the machine it was measured on."""
    path = RESULTS / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({**machine(), **result}, indent=1) + "\n", encoding="utf-8")
    return path


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown, which reads well as text too."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = [head, ["-" * width for width in widths], *rows]
    return "\n".join(
        "| " + " | ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) + " |" for line in lines
    )


def _processor() -> str:
    """Its name, and family and model where it has them: one name is sold in generations that differ by two."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8").partition("\n\n")[0].splitlines()
        of = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
        if "model name" in of:
            kind = [f"{key.removeprefix('cpu ')} {of[key]}" for key in ("cpu family", "model") if key in of]
            return of["model name"] + (f" ({', '.join(kind)})" if kind else "")
    return platform.processor() or platform.machine()
