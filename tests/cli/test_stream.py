"""`fivestep train PATTERN --stream`, from the command line to predictions, and what it refuses."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import fivestep as fs
from fivestep.datasets._table import TableSource
from fivestep.datasets._table.encoded import rows_of
from fivestep.datasets._table.encoded_blocks import EncodedBlocks
from fivestep.machine.spilled_state import folder_for_large_files
from fivestep.run import Run
from tests.cli.conftest import Command
from tests.datasets.streams import WRITERS, table, written

SMALL = {"--epochs": 3, "--hidden": 8, "--batch-size": 32, "--ignore": "z", "--window": 150}
PATTERN = "part-*.parquet"


def small(*options: object) -> list[object]:
    """The options of a short run, and others in their place or beside them."""
    usual = {name: value for name, value in SMALL.items() if name not in options}
    return [*(word for pair in usual.items() for word in pair), *options]


def report(fivestep: Command, *options: object) -> dict[str, Any]:
    """What `--json` prints."""
    outcome = fivestep("train", PATTERN, "--target", "y", "--stream", *small("--json", *options))
    assert outcome.code == 0, outcome.err
    found: dict[str, Any] = json.loads(outcome.out)
    return found


@pytest.mark.slow
@pytest.mark.usefixtures("curves")
@pytest.mark.parametrize("engine", ["scratch", "nn"])
def test_a_streamed_table_is_trained_measured_and_predicted(fivestep: Command, tmp_path: Path, engine: str) -> None:
    written(tmp_path)
    found = report(fivestep, "--engine", engine, "--epochs", 12, "--out", "run")
    assert found["test_accuracy"] > 0.85
    again = json.loads(fivestep("evaluate", "run", "--json").out)
    assert again["test_loss"] == pytest.approx(found["test_loss"], rel=1e-6)
    assert fivestep("predict", "run", "part-0.parquet", "-o", "p.csv").code == 0
    assert pl.read_csv(tmp_path / "p.csv").height == 300


@pytest.mark.parametrize(("ending", "target"), [("parquet", "y"), ("csv", "y"), ("arrow", "z")])
def test_another_file_is_measured_in_blocks_as_it_is_whole(
    fivestep: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, target: str
) -> None:
    """Text that looks like a number in this file alone stays the level that it was in training."""
    whole = table().with_columns(sex=pl.Series([f"0{k % 3}" if k % 3 else "f" for k in range(900)]))
    written(tmp_path, ending, whole)
    later = whole.filter(pl.col("sex") != "f").with_columns(day=pl.lit("2023-05-06"))
    WRITERS[ending](later, tmp_path / f"later.{ending}")
    ignored = "z" if target == "y" else "y"
    words = ("--target", target, "--stream", *small("--ignore", ignored, "--weight", "weight", "--out", "run"))
    assert fivestep("train", f"part-*.{ending}", *words).code == 0
    in_blocks = fivestep("evaluate", "run", f"late*.{ending}", "--json")
    assert in_blocks.code == 0, in_blocks.err
    run = Run.load(tmp_path / "run")
    assert run.encoder is not None
    source = TableSource.from_dict(run.info["table"])
    expected = fs.evaluate(run.engine, rows_of(run.encoder, later, source))
    assert json.loads(in_blocks.out)["file_loss"] == pytest.approx(expected.loss, rel=1e-6)
    monkeypatch.setattr("fivestep.datasets._table.in_memory.read_table", None)  # nobody reads it whole
    assert fivestep("evaluate", "run", f"later.{ending}", "--json").out == in_blocks.out.replace("late*", "later")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda f: f.drop("y"), "later.parquet must have the target as its column 'y', got a, b,"),
        (lambda f: f.drop("a"), "the table must have the column 'a', on which the network was trained"),
        (lambda f: f.with_columns(y=pl.lit("perhaps")), "in later.parquet, target 'y' must hold one of the 2 classes"),
        (
            lambda f: f.with_columns(y=pl.lit(None, pl.String)),
            "later.parquet must have rows with a 'y' to measure by, got none",
        ),
        (lambda f: f.with_columns(a=pl.lit(float("inf"))), "in later.parquet, column 'a' must hold finite numbers"),
    ],
)
def test_another_file_that_does_not_fit_is_refused_in_one_sentence(
    fivestep: Command, tmp_path: Path, change: Callable[[pl.DataFrame], pl.DataFrame], sentence: str
) -> None:
    written(tmp_path)
    report(fivestep, "--out", "run")
    change(table(50)).write_parquet(tmp_path / "later.parquet")
    outcome = fivestep("evaluate", "run", "later.parquet")
    assert outcome.code == 2
    assert sentence in outcome.err.strip().splitlines()[-1]


@pytest.mark.slow
def test_two_runs_are_the_same_to_the_bit(fivestep: Command, tmp_path: Path) -> None:
    written(tmp_path)
    first, second = (report(fivestep, "--out", name) for name in ("a", "b"))
    names = [f"{part}_loss" for part in ("train", "valid", "test")]
    assert [first[name] for name in names] == [second[name] for name in names]


@pytest.mark.slow
def test_a_run_that_is_made_longer_goes_on_to_the_same_weights(fivestep: Command, tmp_path: Path) -> None:
    written(tmp_path)
    report(fivestep, "--schedule", "constant", "--out", "whole")
    report(fivestep, "--schedule", "constant", "--out", "parts", "--epochs", 1)
    assert fivestep("train", "--resume", "parts", "--epochs", 3).code == 0
    whole, parts = (Run.load(tmp_path / name).engine.named_parameters() for name in ("whole", "parts"))
    assert all(whole[name].equal(parts[name]) for name in whole)


def test_the_same_words_go_on_as_ranks_that_are_started_again_do(fivestep: Command, tmp_path: Path) -> None:
    """Names in lists and files to measure on among them; another list is refused."""
    written(tmp_path)
    for name in ("valid", "test"):
        table(seed=9).head(100).write_parquet(tmp_path / f"{name}.parquet")
    files = ["--valid", "valid.parquet", "--test", "test.parquet", "--categorical", "count", "--ignore", "z", "id"]
    words = ["train", PATTERN, "--target", "y", "--stream", "--schedule", "constant"]
    assert fivestep(*words, *small(*files, "--out", "run", "--epochs", 1)).code == 0
    again = fivestep(*words, *small(*files, "--resume", "run", "--epochs", 2))
    assert again.code == 0, again.err
    outcome = fivestep("train", PATTERN, "--target", "y", "--ignore", "id", "--epochs", 3, "--resume", "run")
    assert outcome.code == 2
    assert "--ignore 'id' (in the run 'z' and 'id')" in outcome.err


def test_other_files_of_that_name_are_refused_on_resume(fivestep: Command, tmp_path: Path) -> None:
    written(tmp_path)
    report(fivestep, "--schedule", "constant", "--out", "run", "--epochs", 1)
    table(seed=9).head(300).write_parquet(tmp_path / "part-2.parquet", row_group_size=70)
    outcome = fivestep("train", "--resume", "run", "--epochs", 3)
    assert outcome.code == 2
    assert "rows must be those that the run was begun with" in outcome.err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--time", "day"), "--time must be left out with --stream"),
        (("--merge-duplicates",), "rows must be in memory to be merged"),
        (("--batch-size", "full"), "batch_size must be a number of rows for a stream"),
        (("--optimizer", "lbfgs"), "optimizer must be one that takes batches for a stream"),
        (("--window", 0), "--window must be a whole number of at least 1"),
        (("--categorical", "nothing"), "a column in --categorical or --ignore must be one of"),
    ],
)
def test_what_needs_all_rows_in_memory_is_refused_in_one_sentence(
    fivestep: Command, tmp_path: Path, options: tuple[object, ...], sentence: str
) -> None:
    written(tmp_path)
    outcome = fivestep("train", PATTERN, "--target", "y", "--stream", *small("--out", "run", *options))
    assert outcome.code == 2
    assert sentence in outcome.err.strip().splitlines()[-1]
    assert not (tmp_path / "run").exists()


def test_several_files_ask_for_stream(fivestep: Command, tmp_path: Path) -> None:
    written(tmp_path)
    outcome = fivestep("train", PATTERN, "--target", "y")
    assert outcome.code == 2
    assert "must be one file without --stream, got the pattern" in outcome.err


def test_a_window_asks_for_stream(fivestep: Command, tmp_path: Path) -> None:
    table().write_csv(tmp_path / "a.csv")
    outcome = fivestep("train", "a.csv", "--target", "y", "--window", 9)
    assert outcome.code == 2
    assert "--window must be used with --stream, got 9" in outcome.err


def test_no_cache_asks_for_stream(fivestep: Command, tmp_path: Path) -> None:
    table().write_csv(tmp_path / "a.csv")
    outcome = fivestep("train", "a.csv", "--target", "y", "--no-cache")
    assert outcome.code == 2
    assert "--no-cache must be used with --stream, got it alone" in outcome.err


def test_no_cache_asks_for_a_file(fivestep: Command) -> None:
    outcome = fivestep("train", "moons", "--no-cache")
    assert outcome.code == 2
    assert "--no-cache must be used with a file, got the task 'moons'" in outcome.err


@pytest.mark.parametrize(
    ("options", "says", "expected"),
    [
        ((), True, "true"),
        (("--no-cache",), False, "false"),
        (("--epochs", 1), False, "true"),
        (("--epochs", 1, "--members", 2), True, "true"),
    ],
)
def test_a_run_says_and_remembers_whether_encoded_rows_are_kept(
    fivestep: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[object, ...],
    says: bool,
    expected: str,
) -> None:
    """A single epoch would write what nobody reads."""
    written(tmp_path)
    monkeypatch.setattr("fivestep.datasets._table.encoded_blocks.is_memory", lambda _: False)
    words = ("train", PATTERN, "--target", "y", "--stream", *small("--out", "run", *options))
    outcome = fivestep(*words)
    assert outcome.code == 0
    said = (
        f"The first epoch keeps encoded rows for those after it in {folder_for_large_files()}, 1 MB (--no-cache: none)."
    )
    assert (said in outcome.err + outcome.out) == says
    assert f"cache = {expected}" in (tmp_path / "run" / "config.toml").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("begun_with", [(), ("--no-cache",)])
def test_a_run_goes_on_without_encoded_rows_however_it_was_begun(
    fivestep: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun_with: tuple[str, ...]
) -> None:
    """With the same words, as ranks that are started again say them; nothing is kept, and no bit changes."""
    written(tmp_path)
    usual = ("--schedule", "constant")
    report(fivestep, "--out", "whole", "--epochs", 4, *usual, *begun_with)
    report(fivestep, "--out", "run", "--epochs", 1, *usual, *begun_with)
    monkeypatch.setattr(EncodedBlocks, "put", None)
    words = ("train", PATTERN, "--target", "y", "--stream", *usual)
    outcome = fivestep(*words, *small("--no-cache", "--epochs", 4, "--resume", "run"))
    assert outcome.code == 0, outcome.err
    whole, parts = (Run.load(tmp_path / name).engine.named_parameters() for name in ("whole", "run"))
    assert all(whole[name].equal(parts[name]) for name in whole)


def test_a_run_in_memory_keeps_nothing_that_could_be_left_out(fivestep: Command, tmp_path: Path) -> None:
    table().write_csv(tmp_path / "a.csv")
    words = ("--target", "y", "--ignore", "z", "--hidden", 8, "--out", "run", "--epochs", 1)
    assert fivestep("train", "a.csv", *words).code == 0
    outcome = fivestep("train", "--resume", "run", "--epochs", 2, "--no-cache")
    assert outcome.code == 2
    assert "--no-cache True (in the run None)" in outcome.err


def test_a_folder_in_place_of_files_is_told_what_to_write(fivestep: Command, tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    outcome = fivestep("train", "parts", "--target", "y", "--stream")
    assert outcome.code == 2
    assert "got the folder 'parts'; write 'parts/*.parquet'" in outcome.err


def test_an_empty_pattern_leaves_no_folder(fivestep: Command, tmp_path: Path) -> None:
    outcome = fivestep("train", PATTERN, "--target", "y", "--stream", "--out", "run")
    assert outcome.code == 2
    assert "FILE must be a pattern that fits a file" in outcome.err
    assert not (tmp_path / "run").exists()
