"""`fivestep train FILE` gives probabilities that are as sure as the validation part says, as the estimators do."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from fivestep.cli import _members
from fivestep.find import Choice
from fivestep.run import Run
from fivestep.temperature import best_temperature
from tests.cli.conftest import Command
from tests.tolerances import BEST_TEMPERATURE

TRAIN = ("train", "classes.csv", "--target", "y", "--epochs", 3, "--hidden", 16, "--out", "run")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    chance = np.random.default_rng(0)
    y = np.arange(1500) % 3
    frame = pl.DataFrame({f"x{k}": chance.normal(size=1500) + y for k in range(4)})
    frame.with_columns(y=pl.Series([f"c{k}" for k in y])).write_csv(tmp_path / "classes.csv")
    return tmp_path / "run"


def best_of(run: Run) -> float:
    """The temperature that the validation part would still like."""
    rows = run.load_data().valid
    assert rows is not None
    z = run.engine.predict(rows.x).double()
    return best_temperature(Choice("cross_entropy"), z, rows.y, torch.ones(len(z)).double())


def test_the_command_ends_with_the_best_temperature_and_says_so(fivestep: Command, run: Path) -> None:
    out, trained = fivestep(*TRAIN).out, Run.load(run)
    assert best_of(trained) == pytest.approx(1, abs=BEST_TEMPERATURE)
    assert f"(temperature {trained.info['temperature']:.2f})" in out
    assert trained.info["temperature"] < 0.95
    assert f"(temperature {trained.info['temperature']:.2f})" in fivestep("evaluate", "run").out


def test_several_networks_get_one_temperature(fivestep: Command, run: Path) -> None:
    fivestep(*TRAIN, "--bagging", 2)
    assert Run.load(run).info["temperature"] < 0.95


@pytest.mark.parametrize("given", [("--loss", "cross_entropy:label_smoothing=0.1"), ("--no-temperature-scaling",)])
def test_who_asks_for_the_labels_gets_what_they_teach(fivestep: Command, run: Path, given: tuple[str, ...]) -> None:
    assert "temperature" not in fivestep(*TRAIN, *given).out
    assert best_of(Run.load(run)) < 0.95


def test_a_run_that_goes_on_is_the_one_that_was_never_stopped(fivestep: Command, run: Path) -> None:
    fivestep(*TRAIN[:-1], "at-once")
    fivestep(*TRAIN)
    assert fivestep("train", "--resume", "run").code == 0
    once, again = (Run.load(run.parent / name).engine.params.flat for name in ("at-once", "run"))
    assert torch.equal(once, again)


def test_networks_without_a_validation_part_keep_what_they_learned(
    fivestep: Command, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_members, "validation_rows", lambda _engine, _data: None)
    assert fivestep(*TRAIN, "--members", 2).code == 0
    assert "temperature" not in Run.load(run).info
