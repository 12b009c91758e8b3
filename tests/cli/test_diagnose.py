"""`fivestep diagnose RUN`, and the word at the end of a training that sends there."""

import json
from pathlib import Path

import pytest

import fivestep as fs
from tests.cli.conftest import Command

STUCK = ("train", "moons", "--lr", 1e-6, "--epochs", 50, "--out", "run")


def test_a_training_that_learns_nothing_says_so_and_where_to_look(fivestep: Command) -> None:
    code, out, _ = fivestep(*STUCK)
    assert (code, out.endswith("has the loss 0.6931. To see why: fivestep diagnose run\n")) == (0, True)


def test_a_training_that_learns_says_nothing(fivestep: Command) -> None:
    assert "diagnose" not in fivestep("train", "moons", "--epochs", 50).out


def test_it_says_what_would_have_helped(fivestep: Command) -> None:
    fivestep(*STUCK)
    code, out, _ = fivestep("diagnose", "run")
    text = " ".join(out.split())
    assert code == 0
    assert "nothing learned: The training loss is 0.695" in text
    assert "with the learning rate 0.05 instead of 1e-06, 300 steps reach the loss 0.0" in text


@pytest.mark.parametrize("width", [40])
def test_no_line_is_wider_than_the_terminal(fivestep: Command, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    fivestep(*STUCK)
    monkeypatch.setenv("COLUMNS", str(width))
    assert max(map(len, fivestep("diagnose", "run").out.splitlines())) <= min(width, 100)


def test_for_programs_it_is_one_object(fivestep: Command) -> None:
    fivestep(*STUCK)
    report = json.loads(fivestep("diagnose", "run", "--json").out)
    found = fs.diagnose("run")
    assert [one["sign"] for one in report["findings"]] == [one.sign for one in found.findings]
    assert report["trials"][0]["train_loss"] == found.trials[0].train_loss


@pytest.mark.usefixtures("curves")
def test_a_run_that_diverged_in_its_first_epoch(fivestep: Command) -> None:
    code, _, err = fivestep("train", "moons", "--optimizer", "sgd", "--lr", 1e30, "--out", "run")
    assert (code, err.endswith("fivestep diagnose run tries what keeps it finite.\n")) == (1, True)
    report = json.loads(fivestep("diagnose", "run", "--json").out)
    assert [one["sign"] for one in report["findings"]][:2] == ["broke off", "no number"]
    assert report["train_loss"] is None
    assert "learning rate" in [one["sign"] for one in report["findings"]]


@pytest.mark.slow
def test_a_table(fivestep: Command) -> None:
    rows = [f"{k % 17},{k * 7919 % 23},{(k % 17) * 1000 + 5e6}" for k in range(400)]
    Path("rows.csv").write_text("\n".join(["a,b,y", *rows]), encoding="utf-8")
    fivestep("train", "rows.csv", "--target", "y", "--lr", 1e-9, "--epochs", 3, "--out", "run")
    code, out, _ = fivestep("diagnose", "run")
    assert (code, "learning rate" in out) == (0, True)


def test_a_task_is_refused(fivestep: Command) -> None:
    code, _, err = fivestep("diagnose", "moons")
    assert (code, "must be of a training, got the untrained 'moons'" in err) == (2, True)


def test_a_run_that_begins_with_zeros_warns(fivestep: Command) -> None:
    with pytest.warns(UserWarning, match="should begin different from each other"):
        fivestep("train", "moons", "--init", "zeros", "--epochs", 2)
