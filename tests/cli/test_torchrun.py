"""Ranks, under a real `torchrun` where it has a part in it: what one types and sees, and what comes of a lost rank."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import fivestep as fs
from fivestep.saved.checkpoint import checkpoints_in, read_checkpoint
from tests.cli.conftest import Command
from tests.cli.forked import Agent, two_ranks
from tests.cli.processes import PATIENCE, figures, killed, last_step, output_of, slow, stopped, torchrun, until
from tests.tolerances import RANKS_LONG, distance

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")]

TRAIN = ["train", "digits", "--dropout", "0.1", "--dtype", "float64", "--epochs", "8", "--every", "4", "--hidden", "32"]
STEP = 100
"""In the middle of an epoch, at which the processes are killed, stopped or interrupted."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of two ranks that nothing happens to."""
    folder = tmp_path_factory.mktemp("whole")
    ended = two_ranks([*TRAIN, "--out", "run"], folder)
    assert (ended.first, ended.later) == (0, 0), ended.err
    assert ended.out.count("engine scratch: 2 ranks meet in every step") == 1  # one rank speaks
    assert ended.out.count("The run is in run") == 1
    return folder / "run"


def test_a_rank_that_is_killed_is_started_again_and_the_run_ends_with_the_same_bits(
    whole: Path, tmp_path: Path
) -> None:
    """The new ranks find the folder by themselves, although nobody told them."""
    (tmp_path / "train.py").write_text(killed(STEP, rank=1))
    with torchrun(tmp_path, TRAIN, "--max-restarts", "2", program=["train.py"]) as process:
        shown, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, output_of(tmp_path)
    assert re.search(rf"Going on after step ({STEP - 1}|{STEP})\D", shown)
    assert output_of(tmp_path).count("fivestep: ") <= 1  # that a rank has gone
    run = tmp_path / "runs" / "digits-1"
    assert os.listdir(tmp_path / "runs") == ["digits-1"]
    ours, theirs = load_file(run / "model.safetensors"), load_file(whole / "model.safetensors")
    assert all(torch.equal(ours[name], theirs[name]) for name in {**ours, **theirs})
    assert figures(run) == figures(whole)


def test_ctrl_c_stops_all_between_the_same_two_steps_and_one_process_goes_on(
    whole: Path, tmp_path: Path, fivestep: Command
) -> None:
    (tmp_path / "train.py").write_text(slow(STEP))
    with torchrun(tmp_path, [*TRAIN, "--out", "run"], program=["train.py"]) as process:
        until(lambda: last_step(tmp_path / "run") >= STEP, process)
        process.send_signal(signal.SIGINT)
        shown, _ = process.communicate(timeout=PATIENCE)
    stopped = re.search(r"interrupted after step ([\d,]+)\n", shown)
    assert stopped, shown + output_of(tmp_path)
    step = int(stopped[1].replace(",", ""))
    assert read_checkpoint(checkpoints_in(tmp_path / "run")[0]).about["position"]["step"] == step
    assert "It goes on with: torchrun --nproc-per-node 2 -m fivestep train --resume run" in shown
    with pytest.warns(UserWarning, match=r"ranks 1 \(then 2\); last digits may differ"):
        assert fivestep("train", "--resume", "run").code == 0
    ours, theirs = load_file(tmp_path / "run" / "model.safetensors"), load_file(whole / "model.safetensors")
    assert max(distance(ours[name], theirs[name]) for name in theirs) <= RANKS_LONG
    assert len(figures(tmp_path / "run")) == len(figures(whole))


def test_a_rank_that_hangs_is_given_up_in_one_sentence(tmp_path: Path) -> None:
    ended = two_ranks([*TRAIN, "--rank-timeout", "3", "--out", "run"], tmp_path, program=stopped(STEP, rank=1))
    sentence = "fivestep: all ranks must send a heartbeat every 3 s, got none from rank 1; see what holds that process"
    assert ended.first == 1
    assert ended.err.count(sentence) == 1
    assert checkpoints_in(tmp_path / "run")


STEALING = """
import json, os, signal, time
from pathlib import Path
import fivestep as fs
from fivestep.fleet import pool
from fivestep.ranks.shared_memory import SharedMemory

train, take_from, killed = pool.train, SharedMemory.take_from, Path("killed")
taken = []

def noted(memory, other):
    number = take_from(memory, other)
    taken.append(other)
    return number

def dying(*arguments, **named):
    if ranks.rank == 0:
        while not killed.exists():
            time.sleep(0.01)  # so the other one takes what is left
    elif taken[-1] == 0 and not killed.exists():
        epochs = train(*arguments, **named)
        next(epochs)
        killed.write_text("in the middle of another's network")
        os.kill(os.getpid(), signal.SIGKILL)
    return train(*arguments, **named)

pool.train, SharedMemory.take_from = dying, noted
ranks = fs.join_ranks()
plans = [fs.TrainPlan(epochs=3, seed=seed, lr=0.1 / (1 + seed)) for seed in range(6)]
try:
    found = fs.fit_many(fs.MLP(64, 8, 10), fs.load_dataset("digits"), plans, "scratch", every=1, ranks=ranks)
except fs.RanksError as error:
    print(error, file=__import__("sys").stderr, flush=True)
    os._exit(1)
print(json.dumps([member.history[-1].train_loss for member in found]) + "\\n", end="", flush=True)
"""


def test_a_fleet_of_which_a_rank_was_killed_is_trained_when_they_are_started_again(tmp_path: Path) -> None:
    """In the middle of what another one left to it."""
    agent = Agent()
    assert -signal.SIGKILL in two_ranks([], tmp_path, program=STEALING, agent=agent)[:2]
    assert (tmp_path / "killed").exists()
    again = two_ranks([], tmp_path, program=STEALING, agent=agent)
    assert (again.first, again.later) == (0, 0), again.err
    plans = [fs.TrainPlan(epochs=3, seed=seed, lr=0.1 / (1 + seed)) for seed in range(6)]
    alone = fs.fit_many(fs.MLP(64, 8, 10), fs.load_dataset("digits"), plans, "scratch", every=1)
    expected = [member.history[-1].train_loss for member in alone]
    assert [json.loads(line) for line in again.out.splitlines()] == [expected, expected]


def test_bad_input_is_one_sentence_and_all_ranks_end(tmp_path: Path) -> None:
    sentence = "lr must be a finite number greater than 0, got -1.0"
    with torchrun(tmp_path, ["train", "digits", "--lr", "-1"]) as process:
        shown, _ = process.communicate(timeout=PATIENCE)
    assert shown == ""
    assert output_of(tmp_path).count(f"fivestep: {sentence}") == 1
    assert f"traceback : {sentence}" in output_of(tmp_path)  # in torchrun's own summary
    assert "exitcode  : 2" in output_of(tmp_path)
    assert process.returncode == 1
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--members", "2"], "--members and --bagging must be used in one process, which trains"),
        (["--batch-size", "1"], "batch_size must be at least 2, one row for each rank, got 1"),
    ],
)
def test_what_ranks_cannot_do_is_one_sentence(arguments: list[str], sentence: str, tmp_path: Path) -> None:
    ended = two_ranks(["train", "digits", *arguments], tmp_path)
    assert (ended.first, ended.out) == (2, "")
    assert ended.err.count(f"fivestep: {sentence}") == 1
    assert os.listdir(tmp_path) == []


def test_the_ranks_share_a_table_s_training_too(tmp_path: Path) -> None:
    """The columns and the verdict are shown once, and nothing else is on standard output but one object."""
    rows = [f"{a},{b},{'yes' if a > b else 'no'}" for a in range(12) for b in range(9)]
    (tmp_path / "table.csv").write_text("a,b,c\n" + "\n".join(rows))
    ended = two_ranks(["train", "table.csv", "--target", "c", "--epochs", "5", "--json"], tmp_path)
    assert (ended.first, ended.later) == (0, 0), ended.err
    assert json.loads(ended.out)["engine"] == "scratch"
    assert ended.err.count("The run is in runs/table-1") == 1


FLEET = """
import atexit
import fivestep as fs
import torch.distributed as dist

def say(line):
    print(line + "\\n", end="")  # in one piece: torchrun's ranks write to the same pipe, without a buffer

atexit.register(lambda: say("gone" if not dist.is_initialized() else "still there"))  # the first one is called last
ranks = fs.join_ranks()
plans = [fs.TrainPlan(seed=seed, epochs=2) for seed in range(3)]
fitted = fs.fit_many(fs.MLP(64, 8, 10), fs.load_dataset("digits"), plans, ranks=ranks)
say(f"{len(fitted)} {dist.is_initialized()}")
"""


def test_a_script_need_not_take_leave_of_the_ranks(tmp_path: Path) -> None:
    """The process group is there to the script's last line, and gone before the process ends."""
    (tmp_path / "fleet.py").write_text(FLEET)
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "fleet.py"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, check=False, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=PATIENCE
    )
    words = sorted(done.stdout.split())  # the lines of two ranks may come in any order
    assert (done.returncode, words) == (0, ["3", "3", "True", "True", "gone", "gone"]), done.stderr
