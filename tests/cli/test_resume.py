"""`fivestep train --resume RUN`: what goes on, what is refused, and the two signals."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

import fivestep as fs
from fivestep.saved.checkpoint import checkpoints_in
from tests.cli.conftest import Command
from tests.cli.processes import PATIENCE, PROGRAM, start, without_notes
from tests.runs import differences, remains

SAME = ("train", "moons", "--every", 10, "--hidden", 4, "--lr", 0.01, "--valid", 50)
BEGIN = (*SAME, "--epochs", 20, "--out", "run")


def test_a_finished_run_says_so_and_is_done(fivestep: Command) -> None:
    assert fivestep(*BEGIN).code == 0
    code, out, _ = fivestep("train", "--resume", "run")
    assert code == 0
    assert "The run is finished: it ended after epoch 20, and --epochs makes it longer." in out
    assert "valid loss" not in out


def test_a_longer_run_is_the_run_that_was_that_long_from_the_start(fivestep: Command) -> None:
    fivestep(*BEGIN)
    code, out, _ = fivestep("train", "--resume", "run", "--epochs", 40)
    assert code == 0
    assert "Going on after step 20, the last epoch shown was 20." in out
    assert "the run began with it" in out
    fivestep(*SAME, "--epochs", 40, "--out", "long")
    assert differences(remains(Path("run")), remains(Path("long"))) == []


def test_the_whole_command_line_may_be_given_again(fivestep: Command) -> None:
    fivestep(*BEGIN)
    code, out, err = fivestep(*BEGIN[:-2], "--resume", "run", "--engine", "auto", "--dtype", "float32", "--json")
    assert (code, err.count("The run is finished")) == (0, 1)
    assert json.loads(out)["epochs"] == 20


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["--lr", "0.5"],
            "--lr 0.5 (in the run 0.01)",
        ),
        (["--hidden", "8"], "--hidden 8 (in the run 4)"),
        (
            ["--momentum", "0.9", "--seed", "3"],
            "--momentum 0.9 (in the run None) and --seed 3 (in the run 0)",
        ),
        (["--dropout", "0.5"], "--dropout 0.5 (in the run as the task has it)"),
        (
            ["--engine", "nn", "--dtype", "float64"],
            "--engine nn (in the run scratch) and --dtype float64 (in the run float32)",
        ),
        (["--valid", "60"], "got --valid 60"),
        (["--merge-duplicates"], "--merge-duplicates True (in the run False)"),
        (["--every", "5"], "--every 5 (in the run 10)"),
        (["--model", "linear"], "--model linear (in the run mlp)"),
        (["--out", "other"], "--out other (in the run run)"),
        (["--target", "price"], "--target price (in the run None)"),
        (["--epochs", "10"], "epochs must be a whole number of at least 20, got 10; a run can be made longer"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_option_that_would_make_another_run_of_it_is_refused_by_its_name(
    fivestep: Command, arguments: list[str], sentence: str
) -> None:
    fivestep(*BEGIN)
    before = remains(Path("run"))
    code, out, err = fivestep("train", "--resume", "run", *arguments)
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1
    assert differences(remains(Path("run")), before) == []


def test_another_task_is_refused(fivestep: Command) -> None:
    fivestep(*BEGIN)
    code, _, err = fivestep("train", "circles", "--resume", "run")
    assert (code, "TASK circles (in the run moons)" in err) == (2, True)


def test_a_folder_without_a_run_is_refused_and_not_made(fivestep: Command, tmp_path: Path) -> None:
    code, _, err = fivestep("train", "--resume", "nowhere")
    assert (code, "RUN must be a folder with a checkpoint in it, got 'nowhere'" in err) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_merged_rows_are_merged_again(fivestep: Command) -> None:
    merged = ("train", "iris", "--epochs", 4, "--every", 2, "--merge-duplicates", "--out", "run")
    fivestep(*merged)
    code, out, _ = fivestep("train", "--resume", "run", "--epochs", 6)
    assert code == 0
    assert "Merged" in out


def test_a_file_goes_on_with_the_encoder_of_its_run(fivestep: Command, tmp_path: Path) -> None:
    lines = [f"{k % 7},{'abc'[k % 3]},{k % 7 + (k % 3)}" for k in range(120)]
    (tmp_path / "table.csv").write_text("size,kind,price\n" + "\n".join(lines) + "\n")
    plain = ("train", "table.csv", "--target", "price", "--schedule", "constant")
    assert fivestep(*plain, "--epochs", 10, "--out", "whole", "--every", 1).code == 0
    assert fivestep(*plain, "--epochs", 5, "--out", "run", "--every", 1).code == 0
    assert fivestep(*plain, "--resume", "run", "--epochs", 10).code == 0
    assert differences(remains(Path("run")), remains(Path("whole"))) == []


LONG = ("train", "moons", "--epochs", "300000000", "--every", "1000", "--dropout", "0.2", "--out", "run")


def after_its_first_epochs(process: "subprocess.Popen[str]") -> None:
    """Reads until the third epoch is shown."""
    assert process.stdout is not None
    assert any(line.startswith(" 3000 ") for line in iter(process.stdout.readline, "")), process.communicate()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_a_signal_writes_a_checkpoint_and_has_its_exit_code(
    number: signal.Signals, code: int, word: str, tmp_path: Path
) -> None:
    """What it leaves goes on to the same end as a run that was stopped nowhere."""
    process = start(tmp_path, *LONG)
    after_its_first_epochs(process)
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, without_notes(err)) == (code, "")
    assert f"{word} after step" in out
    assert "It goes on with: fivestep train --resume run" in out
    run = fs.Run.resume(tmp_path / "run")
    step = run.engine.num_updates
    assert run.history
    assert step >= 3000
    assert f"{word} after step {step:,}\n" in out


SMALL_FILES = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000)); {PROGRAM}"
"""The program where no file can grow beyond a few thousand bytes, as on a disk that is full."""


@pytest.mark.slow
def test_a_disk_that_fills_up_stops_the_run_with_a_sentence_and_leaves_the_last_checkpoint(tmp_path: Path) -> None:
    """The history grows with every epoch, until a checkpoint no longer fits. Compiled code might not fit either."""
    command = ["train", "moons", "--epochs", "500000", "--every", "1", "--engine", "scratch", "--out", "run"]
    process = start(tmp_path, *command, program=SMALL_FILES)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert err.startswith("fivestep: run must be a folder that can be written, got File too large at step ")
    assert err.count("\n") == 1
    assert checkpoints_in(tmp_path / "run")
    assert fs.Run.resume(tmp_path / "run").engine.params.flat.isfinite().all()


@pytest.mark.slow
def test_a_folder_that_is_taken_away_stops_the_run_with_a_sentence(tmp_path: Path) -> None:
    process = start(tmp_path, *LONG)
    after_its_first_epochs(process)
    (tmp_path / "run").rename(tmp_path / "elsewhere")
    err = without_notes(process.communicate(timeout=PATIENCE)[1])
    assert process.returncode == 1
    assert err.startswith("fivestep: run must be a folder that can be written, got No such file or directory at step ")
    assert err.count("\n") == 1
    assert checkpoints_in(tmp_path / "elsewhere")
    assert fs.Run.resume(tmp_path / "elsewhere").engine.params.flat.isfinite().all()
