"""`fivestep train PATTERN --stream`, from the command line to predictions, and what it refuses."""

import json
from pathlib import Path

import polars as pl
import pytest

from fivestep.cli import main
from fivestep.run import Run
from tests.datasets.streams import table, written

SMALL = ("--epochs", "3", "--hidden", "8", "--batch-size", "32", "--ignore", "z", "--window", "150")


def train(pattern: str, out: Path, *options: str) -> int:
    return main(["train", pattern, "--target", "y", "--stream", "--out", str(out), *SMALL, *options])


def report(pattern: str, out: Path, capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, object]:
    assert train(pattern, out, "--json", *options) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.parametrize("engine", ["scratch", "nn"])
def test_a_streamed_table_is_trained_measured_and_predicted(
    tmp_path: Path, engine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = report(written(tmp_path), tmp_path / "run", capsys, "--engine", engine, "--epochs", "12")
    assert isinstance(found["test_accuracy"], float)
    assert found["test_accuracy"] > 0.85
    assert main(["evaluate", str(tmp_path / "run"), "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["test_loss"] == pytest.approx(found["test_loss"], rel=1e-6)
    assert (
        main(["predict", str(tmp_path / "run"), str(tmp_path / "part-0.parquet"), "-o", str(tmp_path / "p.csv")]) == 0
    )
    assert pl.read_csv(tmp_path / "p.csv").height == 300


def test_two_runs_are_the_same_to_the_bit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pattern = written(tmp_path)
    first, second = (report(pattern, tmp_path / name, capsys) for name in ("a", "b"))
    assert [first[f"{part}_loss"] for part in ("train", "valid", "test")] == [
        second[f"{part}_loss"] for part in ("train", "valid", "test")
    ]


def test_a_run_that_stops_at_an_epoch_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    pattern = written(tmp_path)
    assert train(pattern, tmp_path / "whole", "--schedule", "constant") == 0
    assert train(pattern, tmp_path / "parts", "--schedule", "constant", "--epochs", "1") == 0
    assert main(["train", "--resume", str(tmp_path / "parts"), "--epochs", "3"]) == 0
    whole, parts = (Run.load(tmp_path / name).engine.named_parameters() for name in ("whole", "parts"))
    assert all(whole[name].equal(parts[name]) for name in whole)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--time", "day"), "--time must be left out with --stream"),
        (("--merge-duplicates",), "rows must be in memory to be merged"),
        (("--batch-size", "full"), "batch_size must be a number of rows for a stream"),
        (("--optimizer", "lbfgs"), "batch_size must be the full batch with optimizer 'lbfgs'"),
        (("--window", "0"), "--window must be a whole number of at least 1"),
        (("--categorical", "nothing"), "a column in --categorical or --ignore must be one of"),
    ],
)
def test_what_needs_all_rows_in_memory_is_refused_in_one_sentence(
    tmp_path: Path, options: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(written(tmp_path), tmp_path / "run", *options) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert sentence in said
    assert not (tmp_path / "run").exists() or not list((tmp_path / "run").iterdir())


def test_several_files_ask_for_stream(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", written(tmp_path), "--target", "y"]) == 2
    assert "must be one file without --stream, got the pattern" in capsys.readouterr().err


def test_a_window_asks_for_stream(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table().write_csv(tmp_path / "a.csv")
    assert main(["train", str(tmp_path / "a.csv"), "--target", "y", "--window", "9"]) == 2
    assert "--window must be used with --stream, got 9" in capsys.readouterr().err


def test_an_empty_pattern_leaves_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(str(tmp_path / "*.parquet"), tmp_path / "run") == 2
    assert "FILE must be a pattern that fits a file" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
