"""`fivestep evaluate`: the same numbers as at the end of training."""

import csv
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.tolerances import FLOAT32


@pytest.mark.parametrize("engine", ["scratch", "autograd", "nn"])
def test_evaluation_of_a_run_equals_the_report_of_its_training(fivestep: Command, engine: str) -> None:
    report = json.loads(fivestep("train", "moons", "--epochs", 10, "--engine", engine, "--json").out)
    measured = json.loads(fivestep("evaluate", "runs/moons-1", "--json").out)
    assert {key: report[key] for key in measured if key.endswith(("loss", "accuracy"))} == {
        key: value for key, value in measured.items() if key.endswith(("loss", "accuracy"))
    }


def test_metrics_of_the_run_are_measured_or_those_asked_for(fivestep: Command) -> None:
    report = json.loads(fivestep("train", "moons", "--epochs", 10, "--metric", "auc", "--json").out)
    assert json.loads(fivestep("evaluate", "runs/moons-1", "--json").out)["test_auc"] == report["test_auc"]
    measured = json.loads(fivestep("evaluate", "runs/moons-1", "--metric", "f1", "log_loss", "--json").out)
    assert "test_auc" not in measured
    assert measured["test_log_loss"] == pytest.approx(report["test_loss"], rel=FLOAT32)
    assert fivestep("evaluate", "runs/moons-1", "--metric", "r2").code == 2


def test_validation_part_is_the_same_again(fivestep: Command) -> None:
    report = json.loads(fivestep("train", "digits", "--epochs", 1, "--valid", 0.25, "--json").out)
    measured = json.loads(fivestep("evaluate", "runs/digits-1", "--json").out)
    assert measured["valid_loss"] == report["valid_loss"]


def test_it_says_of_which_epoch_the_weights_are_where_they_are_not_the_last_ones(fivestep: Command) -> None:
    stops = ("--valid", 0.3, "--lr", 2, "--patience", 1)
    word = "The weights are those of epoch"
    assert word not in fivestep("train", "moons", *stops).out
    out = fivestep("train", "moons", *stops, "--restore-best").out
    history = list(csv.DictReader(Path("runs/moons-2/history.csv").read_text().splitlines()))
    best = min(history, key=lambda line: float(line["valid_loss"]))
    sentence = f"{word} {best['epoch']}, whose loss on the validation part is the best.\n"
    assert best != history[-1]
    assert sentence in out
    assert sentence in fivestep("evaluate", "runs/moons-2").out


def test_run_that_does_not_exist_is_refused(fivestep: Command) -> None:
    code, _, err = fivestep("evaluate", "runs/nothing")
    assert (code, "RUN must be the folder of a run" in err) == (2, True)


def spoil_config(folder: Path) -> None:
    (folder / "config.toml").write_text("version = ")


def spoil_plan(folder: Path) -> None:
    text = (folder / "config.toml").read_text()
    (folder / "config.toml").write_text(text.replace("[plan]", "[plan]\nspeed = 3"))


def spoil_version(folder: Path) -> None:
    text = (folder / "config.toml").read_text()
    (folder / "config.toml").write_text(text.replace("version = 1", "version = 99"))


def spoil_weights(folder: Path) -> None:
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[: len(data) // 2])


def spoil_history(folder: Path) -> None:
    (folder / "history.csv").write_bytes(b"epoch\n\xff\xfe\n")


def remove_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


@pytest.mark.parametrize(
    "spoil", [spoil_config, spoil_plan, spoil_version, spoil_weights, spoil_history, remove_weights]
)
def test_spoilt_run_is_refused_in_one_sentence(fivestep: Command, tmp_path: Path, spoil) -> None:
    fivestep("train", "moons", "--epochs", 1)
    spoil(tmp_path / "runs" / "moons-1")
    code, out, err = fivestep("evaluate", "runs/moons-1")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "runs/moons-1" in err or "version" in err
