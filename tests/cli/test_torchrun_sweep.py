"""A sweep on ranks: its processes share a folder, and never wait for each other."""

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from tests.cli.forked import Agent, two_ranks

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")]

SPACE = ["sweep", "moons", "--lr", "1e-3:1e-1", "--sampler", "random", "--halving", "off", "--engine", "scratch"]
SWEEP = [*SPACE, "--threads", "1", "--fleet", "1", "--models", "12", "--epochs", "300", "--out", "a"]


def trials(folder: Path) -> list[FrozenTrial]:
    """All networks in the journal of a sweep, as Optuna itself reads them; none before there is a study in it."""
    journal = folder / "a" / "journal.log"
    if not journal.exists():
        return []
    storage = JournalStorage(JournalFileBackend(str(journal)))
    return [
        one
        for name in optuna.get_all_study_names(storage)
        for one in optuna.load_study(study_name=name, storage=storage).trials
        if "network" in one.user_attrs  # one trial says how large fleets are
    ]


def attempts(folder: Path) -> list[FrozenTrial]:
    """Of two ranks that reach for a network at once, the later one lets go of it untrained: its trial is left out."""
    found, taken = [], set()
    for trial in trials(folder):
        if trial.state != TrialState.FAIL or trial.user_attrs["network"] not in taken:
            found.append(trial)
        if trial.state != TrialState.FAIL:
            taken.add(trial.user_attrs["network"])
    return found


def num_done(folder: Path) -> int:
    return sum(trial.state == TrialState.COMPLETE for trial in trials(folder))


MEETING = """
from pathlib import Path
from fivestep.cli import main
from tests.sweep.killing import before_its_first, until_they_have_begun
before_its_first("finish", lambda: until_they_have_begun(Path("a/journal.log"), 2), main)
"""
"""The program, of which no process gets ahead before both have networks, or the quicker one might train all."""

DYING = """
import os, signal
from pathlib import Path
from tests.cli.processes import until
from tests.cli.test_torchrun_sweep import MEETING, num_done
from tests.sweep.killing import before_its_first

def die():
    until(lambda: num_done(Path()) >= 3)
    os.kill(os.getpid(), signal.SIGKILL)

if os.environ["RANK"] == "1":
    from fivestep.cli import main
    before_its_first("finish", die, main)
exec(MEETING)
"""
"""The same, of which rank 1 is killed with its first network, when the other one has done some."""


def networks(of: list[FrozenTrial]) -> list[int]:
    return sorted(trial.user_attrs["network"] for trial in of)


def test_ranks_divide_the_networks_and_one_of_them_prints(tmp_path: Path) -> None:
    ended = two_ranks(SWEEP, tmp_path, program=MEETING)
    assert (ended.first, ended.later) == (0, 0), ended.err
    found = attempts(tmp_path)
    assert networks(found) == [*range(12)]
    assert {trial.state for trial in found} == {TrialState.COMPLETE}
    shares = Counter(trial.user_attrs["worker"] for trial in found)
    assert len(shares) == 2
    assert ended.out.count("12 networks, drawn at random") == 1
    assert len(re.findall(r"Its run is in a/best-\d+, the ranking in a/sweep.csv", ended.out)) == 1
    assert len((tmp_path / "a" / "sweep.csv").read_text().splitlines()) == 13


def test_a_rank_that_is_killed_loses_what_it_was_training_and_nothing_else(tmp_path: Path) -> None:
    """The other one is ended too, which lets go of its network, and both are started again, as `torchrun` does it."""
    agent = Agent()
    assert -signal.SIGKILL in two_ranks(SWEEP, tmp_path, program=DYING, agent=agent)[:2]
    again = two_ranks(SWEEP, tmp_path, agent=agent)
    assert (again.first, again.later) == (0, 0), again.err
    found = attempts(tmp_path)
    done = [trial for trial in found if trial.state == TrialState.COMPLETE]
    lost = [trial for trial in found if trial.state == TrialState.FAIL]
    assert networks(done) == [*range(12)]  # each once, so nothing that was done was done again
    assert len(found) == len(done) + len(lost)
    assert 1 <= len(set(networks(lost))) <= 2
    again = {trial.user_attrs["network"]: trial.params for trial in done}
    assert all(trial.params == again[trial.user_attrs["network"]] for trial in lost)


def test_a_rank_needs_no_other(tmp_path: Path) -> None:
    """One of two that were to be, and nobody at the address where they would meet. It is not the first, so silent."""
    variables = {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "9", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "fivestep", *SPACE, "--models", "3", "--epochs", "20", "--out", "a"],
        cwd=tmp_path,
        env=os.environ | variables | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert networks(trials(tmp_path)) == [0, 1, 2]


def test_bad_input_is_one_sentence_and_all_ranks_end(tmp_path: Path) -> None:
    ended = two_ranks(SPACE, tmp_path)
    sentence = "--out must name the folder that the processes share, got none under torchrun; write --out F."
    assert (ended.first, ended.err) == (2, f"fivestep: {sentence}\n")
    assert os.listdir(tmp_path) == []
