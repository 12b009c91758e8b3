"""A stream under a real `torchrun`: two ranks end with the numbers of one process, and only one of them speaks."""

import re
import sys
from pathlib import Path

import pytest

from fivestep.files import read_tensors
from fivestep.history import read_history
from tests.cli.conftest import Command
from tests.cli.test_torchrun import output_of, torchrun
from tests.datasets.streams import TRAIN, written
from tests.tolerances import RANKS, distance

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")]

PLAN = ["--batch-size", "32", "--epochs", "4", "--hidden", "8", "--dropout", "0.1", "--dtype", "float64"]


def test_two_ranks_end_with_the_numbers_of_one(fivestep: Command, tmp_path: Path) -> None:
    written(tmp_path)
    words = [*TRAIN, *PLAN, "--weight", "weight", "--engine", "scratch"]
    with torchrun(tmp_path, [*words, "--out", "two"]) as process:
        shown, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output_of(tmp_path)
    assert shown.count("The run is in two") == 1
    assert fivestep(*words, "--out", "one").code == 0
    one, two = (read_tensors(tmp_path / name / "model.safetensors") for name in ("one", "two"))
    assert max(distance(two[name], one[name]) for name in one) < RANKS
    ours, theirs = (read_history(tmp_path / name / "history.csv", ()) for name in ("two", "one"))
    assert [epoch.valid_loss for epoch in ours] == pytest.approx([epoch.valid_loss for epoch in theirs], rel=RANKS)


def test_a_bad_file_ends_all_ranks_in_one_sentence(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "part-1.parquet").write_bytes(b"PAR1")
    with torchrun(tmp_path, [*TRAIN, *PLAN]) as process:
        process.communicate(timeout=120)
    assert process.returncode == 1
    ours = re.findall(r"^fivestep: \S*part-1\.parquet must be a \.parquet file", output_of(tmp_path), re.MULTILINE)
    assert len(ours) == 1
    assert "exitcode  : 2" in output_of(tmp_path)
    assert not (tmp_path / "runs").exists()
