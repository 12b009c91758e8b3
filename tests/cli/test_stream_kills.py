"""A stream's run that is killed in the middle of an epoch, in real processes, ends with the bits of a whole one."""

import signal
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.cli.forked import alone
from tests.cli.processes import killed, last_step
from tests.datasets.streams import TRAIN, written
from tests.runs import differences, remains

pytestmark = pytest.mark.slow

EPOCHS = 4
PLAN = ["--batch-size", "32", "--epochs", str(EPOCHS), "--hidden", "8", "--dropout", "0.1", "--out", "run"]


def is_killed(folder: Path, words: list[str], step: int) -> bool:
    """Whether that is how the program ends, which kills itself before it does that step."""
    return alone(words, folder, killed(step)) == -signal.SIGKILL


@pytest.mark.parametrize(("engine", "embedded"), [("scratch", []), ("fused", ["town"])])
def test_a_stream_that_is_killed_in_the_middle_of_an_epoch_ends_with_the_same_bits(
    engine: str, embedded: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fivestep: Command
) -> None:
    """Without columns that are embedded where an engine would hand them over."""
    whole, run = (tmp_path / name / "run" for name in ("whole", "killed"))
    words = [*TRAIN, *PLAN, "--engine", engine, "--ignore", "z", *embedded]
    for folder in (whole.parent, run.parent):
        folder.mkdir()
        written(folder)
    monkeypatch.chdir(whole.parent)
    assert fivestep(*words).code == 0
    per_epoch = last_step(whole) // EPOCHS
    first, second = per_epoch // 2, 2 * per_epoch + per_epoch // 3
    assert is_killed(run.parent, words, first)
    assert 0 < last_step(run) < per_epoch
    assert is_killed(run.parent, ["train", "--resume", "run"], second - first)
    assert 2 * per_epoch < last_step(run) < 3 * per_epoch
    monkeypatch.chdir(run.parent)
    assert fivestep("train", "--resume", "run").code == 0
    assert differences(remains(run), remains(whole)) == []
