"""A stream on two ranks: they end with the numbers of one process, and only one of them speaks."""

import re
import signal
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file

from fivestep.saved.history import read_history
from tests.cli.conftest import Command
from tests.cli.forked import Agent, two_ranks
from tests.cli.processes import figures, killed, last_step
from tests.datasets.streams import TRAIN, table, written
from tests.tolerances import RANKS, distance

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")]

PLAN = ["--batch-size", "32", "--epochs", "4", "--hidden", "8", "--dropout", "0.1", "--dtype", "float64"]


def test_two_ranks_end_with_the_numbers_of_one(fivestep: Command, tmp_path: Path) -> None:
    written(tmp_path)
    words = [*TRAIN, *PLAN, "--weight", "weight", "--engine", "scratch"]
    ended = two_ranks([*words, "--out", "two"], tmp_path)
    assert (ended.first, ended.later) == (0, 0), ended.err
    assert ended.out.count("The run is in two") == 1
    assert fivestep(*words, "--out", "one").code == 0
    one, two = (load_file(tmp_path / name / "model.safetensors") for name in ("one", "two"))
    assert max(distance(two[name], one[name]) for name in one) < RANKS
    ours, theirs = (read_history(tmp_path / name / "history.csv", ()) for name in ("two", "one"))
    assert [epoch.valid_loss for epoch in ours] == pytest.approx([epoch.valid_loss for epoch in theirs], rel=RANKS)


def test_a_bad_file_ends_all_ranks_in_one_sentence(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "part-1.parquet").write_bytes(b"PAR1")
    ended = two_ranks([*TRAIN, *PLAN], tmp_path)
    assert ended.first == 2
    assert len(re.findall(r"^fivestep: \S*part-1\.parquet must be a \.parquet file", ended.err, re.MULTILINE)) == 1
    assert not (tmp_path / "runs").exists()


def test_a_rank_killed_in_the_middle_of_an_epoch_is_started_again_and_the_run_ends_with_the_same_bits(
    tmp_path: Path,
) -> None:
    """With a checkpoint after every step. The new ranks find the run's folder by themselves."""
    whole, run = (tmp_path / name / "runs" / f"{name}-1" for name in ("whole", "killed"))
    words = [*TRAIN, *PLAN, "--engine", "scratch"]
    for folder in (tmp_path / "whole", tmp_path / "killed"):
        folder.mkdir()
        written(folder)
    assert two_ranks(words, tmp_path / "whole").first == 0
    step_of_kill = last_step(whole) // 4 * 2 + 5
    agent, program = Agent(), killed(step_of_kill, rank=1)
    assert -signal.SIGKILL in two_ranks(words, tmp_path / "killed", program=program, agent=agent)[:2]
    again = two_ranks(words, tmp_path / "killed", program=program, agent=agent)
    assert (again.first, again.later) == (0, 0), again.err
    step = re.search(r"Going on after step ([\d,]+)", again.out)
    assert step, again.out
    assert int(step[1].replace(",", "")) in (step_of_kill - 1, step_of_kill)
    ours, theirs = (load_file(folder / "model.safetensors") for folder in (run, whole))
    assert all(ours[name].equal(theirs[name]) for name in {**ours, **theirs})
    assert figures(run) == figures(whole)


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        ("another row", r"the train rows must be the same on all ranks, got .* on rank 0 .* and .* on rank 1 "),
        ("a file less", r"the train rows must be the same on all ranks, got .*556.* on rank 0 .* and .*372.* on rank"),
        ("no file", r"on rank 1, FILE must be a pattern that fits a file, got '\S*part-\*\.parquet'; check"),
        ("a damaged file", r"on rank 1, \S*part-1\.parquet must be a \.parquet file that can be read, got an error"),
    ],
)
def test_ranks_with_other_files_are_refused_in_one_sentence(other: str, sentence: str, tmp_path: Path) -> None:
    for rank in ("0", "1"):
        (tmp_path / rank).mkdir()
        written(tmp_path / rank)
    last = tmp_path / "1" / "part-2.parquet"
    if other == "another row":
        table(seed=1).head(300).write_parquet(last, row_group_size=70)
    elif other == "a damaged file":
        (tmp_path / "1" / "part-1.parquet").write_bytes(b"PAR1")
    else:
        for file in (tmp_path / "1").glob("*" if other == "no file" else last.name):
            file.unlink()
    ended = two_ranks([*TRAIN, *PLAN], tmp_path / "0", tmp_path / "1")
    assert ended.first == 2
    assert len(re.findall(f"^fivestep: {sentence}", ended.err, re.MULTILINE)) == 1, ended.err
