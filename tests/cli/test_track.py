"""`fivestep train --track`."""

import json
from pathlib import Path

import pytest

from fivestep.find import Choice
from tests.cli.conftest import Command
from tests.trackers.kept import keep_everything


def test_a_run_is_tracked_and_goes_on_being_tracked(fivestep: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = keep_everything(monkeypatch)
    assert fivestep("train", "moons", "--epochs", 2, "--out", "run", "--track", "mlflow:experiment=m").code == 0
    assert fivestep("train", "--resume", "run", "--epochs", 3).code == 0
    assert kept.epochs == [1, 2, 3]
    assert list(json.loads(Path("run/tracking.json").read_text())["places"]) == [str(Choice("mlflow", experiment="m"))]


@pytest.mark.parametrize(
    ("tracker", "sentence"),
    [("tensorbord", "did you mean 'tensorboard'?"), ("wandb:projekt=x", "did you mean 'project'?")],
)
def test_a_tracker_that_is_none_is_refused(fivestep: Command, tracker: str, sentence: str) -> None:
    code, _, err = fivestep("train", "moons", "--epochs", 1, "--out", "run", "--track", tracker)
    assert (code, err.count("\n")) == (2, 1)
    assert sentence in err
    assert not Path("run").exists()
