"""The benchmarks of a CUDA device run to their end on a CPU, in small: a mistake shows without a device."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

FOLDER = Path(__file__).parents[2] / "benchmarks"


def run(script: str, *words: str, results: Path) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "BENCHMARK_RESULTS": str(results)}
    return subprocess.run(
        [sys.executable, str(FOLDER / script), *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


@pytest.mark.skipif(not any(map(shutil.which, ("c++", "g++", "clang++"))), reason="torch.compile needs a C++ compiler")
@pytest.mark.slow
@pytest.mark.parametrize("regime", ["a", "e", "d"])
def test_every_contestant_trains_each_regime_to_the_same_loss(regime: str, tmp_path: Path) -> None:
    done = run("gpu.py", "1", regime, "cpu", results=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    names = {line.rpartition(" (")[0] for line in done.stdout.splitlines() if line.startswith("  ready: ")}
    assert len(names) == (3 if regime == "d" else 9), done.stdout
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_fleets_are_measured_beside_jax(tmp_path: Path) -> None:
    done = run("gpu_fleets.py", "4", "cpu", results=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line.split("|")[1:-1] for line in done.stdout.splitlines() if line.startswith(("| 2-8-1", "| 10-32-1"))]
    assert len(rows) == 2
    assert all(cell.strip() for row in rows for cell in row)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_work_of_the_host_is_measured_without_a_device(tmp_path: Path) -> None:
    done = run("gpu_fleets.py", "4", "host", results=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.split("|")[1].strip() for line in done.stdout.splitlines()[2:]] == ["2-8-1", "10-32-1"]
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_those_that_compile_for_long_can_be_left_for_later(tmp_path: Path) -> None:
    done = run("gpu.py", "1", "d", "first", "cpu", results=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "left out: torch.compile, autocast, fused AdamW, for now" in done.stdout


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
@pytest.mark.parametrize("script", ["gpu.py", "gpu_fleets.py"])
def test_without_a_device_they_say_so(script: str, tmp_path: Path) -> None:
    done = run(script, results=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"left out: benchmarks/{script}, this machine has no CUDA device\n")
