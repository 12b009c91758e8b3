"""A stream's run that is killed in the middle of an epoch, in real processes, ends with the bits of a whole one."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.processes import WITH_CHECKPOINTS_ALL_THE_TIME, last_step
from tests.datasets.streams import TRAIN, written
from tests.runs import differences, remains

pytestmark = pytest.mark.slow

EPOCHS = 30
PLAN = ["--batch-size", "32", "--epochs", str(EPOCHS), "--hidden", "8", "--dropout", "0.1", "--out", "run"]


def begun(folder: Path, words: list[str]) -> "subprocess.Popen[str]":
    """The command line in that folder."""
    return subprocess.Popen(
        [sys.executable, "-c", WITH_CHECKPOINTS_ALL_THE_TIME, *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def killed(folder: Path, words: list[str], step: int) -> int:
    """Runs until there is a checkpoint of that step or a later one, and kills; returns the step that is left."""
    process, until = begun(folder, words), time.monotonic() + 120
    while last_step(folder / "run") < step and process.poll() is None:
        assert time.monotonic() < until, "it did not come to that step"
        time.sleep(0.0005)
    process.send_signal(signal.SIGKILL)
    _, said = process.communicate()
    assert process.returncode == -signal.SIGKILL, said
    return last_step(folder / "run")


def finished(folder: Path, words: list[str]) -> Path:
    """Runs to the end; the run's folder."""
    process = begun(folder, words)
    _, said = process.communicate()
    assert process.returncode == 0, said
    return folder / "run"


@pytest.mark.parametrize("engine", ["scratch", "fused"])
def test_a_stream_that_is_killed_in_the_middle_of_an_epoch_ends_with_the_same_bits(engine: str, tmp_path: Path) -> None:
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
        written(tmp_path / name)
    words = [*TRAIN, *PLAN, "--engine", engine]
    whole = finished(tmp_path / "whole", words)
    per_epoch = last_step(whole) // EPOCHS
    first = killed(tmp_path / "killed", words, per_epoch // 2)
    second = killed(tmp_path / "killed", ["train", "--resume", "run"], 10 * per_epoch + per_epoch // 3)
    assert first % per_epoch or second % per_epoch  # neither is likely to fall between two epochs, both are not
    assert first < second < EPOCHS * per_epoch
    again = finished(tmp_path / "killed", ["train", "--resume", "run"])
    assert differences(remains(again), remains(whole)) == []
