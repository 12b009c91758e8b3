"""`fivestep train`: what it prints, what it leaves, and what it refuses."""

import csv
import json
import re
import signal
import time
from pathlib import Path
from unittest.mock import Mock

import pytest

import fivestep as fs
from tests.cli.conftest import Command
from tests.cli.processes import PATIENCE, start, without_notes

QUICK = ("train", "moons", "--epochs", 20, "--every", 10)
KEYS = {
    *("task", "run", "engine", "device", "parameters", "epochs", "steps", "seconds"),
    *(f"{part}_{measure}" for part in ("train", "valid", "test") for measure in ("loss", "accuracy")),
}


def test_json_is_one_object_on_standard_output_and_the_rest_goes_to_standard_error(fivestep: Command) -> None:
    code, out, err = fivestep(*QUICK, "--json")
    report = json.loads(out)
    assert code == 0
    assert report.keys() >= KEYS
    assert (report["task"], report["epochs"], report["steps"], report["parameters"]) == ("moons", 20, 20, 33)
    assert "train loss" in err


def test_numbers_on_the_command_line_are_those_of_the_library(fivestep: Command) -> None:
    report = json.loads(fivestep(*QUICK, "--activation", "tanh", "--json").out)
    plan = fs.TrainPlan(loss="binary_cross_entropy", optimizer="adam", lr=0.05, batch_size=None, epochs=20, seed=0)
    data = fs.load_dataset("moons")
    engine = fs.make_engine("scratch", fs.MLP(2, 8, 1, activation="tanh"), plan, device="cpu")
    *_, last = fs.train(engine, data, plan, every=20)
    assert report["train_loss"] == last.train_loss
    assert report["test_accuracy"] == fs.evaluate(engine, data.test).accuracy


@pytest.mark.usefixtures("curves")
def test_run_folder_holds_configuration_history_model_and_curves(fivestep: Command, tmp_path: Path) -> None:
    assert fivestep(*QUICK).code == 0
    folder = tmp_path / "runs" / "moons-1"
    names = {"config.toml", "history.csv", "model.safetensors", "curves.png", "checkpoints"}
    assert {path.name for path in folder.iterdir()} == names
    rows = list(csv.DictReader((folder / "history.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["10", "20"]
    assert float(rows[1]["train_loss"]) < float(rows[0]["train_loss"])
    assert (folder / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_a_loss_that_grows_beyond_its_column_is_shown_by_its_size(fivestep: Command) -> None:
    out = fivestep("train", "line", "--lr", 10, "--epochs", 10, "--every", 10).out
    row = out.splitlines()[-1] if "rows  " not in out else out.split("rows/s")[1].splitlines()[1]
    assert re.search(r"^ +10 +\d\.\d+e\+26 ", row)


def test_a_warm_up_longer_than_the_run_warns(fivestep: Command) -> None:
    with pytest.warns(UserWarning, match="steps of schedule 'warmup' should be less than the run's 20 steps, got 50"):
        assert fivestep(*QUICK, "--schedule", "warmup:steps=50,then=cosine").code == 0


def no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def test_json_has_null_where_a_loss_is_no_number(fivestep: Command) -> None:
    out = fivestep("train", "line", "--lr", 10, "--epochs", 14, "--json").out
    report = json.loads(out, parse_constant=no_constant)
    assert report["train_loss"] > 1e30
    assert report["valid_loss"] is None


def test_a_task_of_numbers_has_no_column_for_accuracy(fivestep: Command) -> None:
    assert "accuracy" not in fivestep("train", "line", "--epochs", 5).out


def test_second_run_gets_a_folder_of_its_own(fivestep: Command, tmp_path: Path) -> None:
    fivestep(*QUICK)
    fivestep(*QUICK)
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {"moons-1", "moons-2"}


def test_lines_fit_a_narrow_terminal(fivestep: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "44")
    table = fivestep(*QUICK).out.split("\n\n")[1]
    assert "train loss" in table
    assert max(len(line) for line in table.splitlines()) <= 44


def test_where_the_network_is_too_wide_each_tensor_has_its_line(
    fivestep: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = fivestep(*QUICK).out.split("\nengine ")[0]
    assert "weight (8, 2), bias (8,)" in wide
    monkeypatch.setenv("COLUMNS", "50")
    narrow = fivestep(*QUICK).out.split("\nengine ")[0]
    assert max(len(line) for line in narrow.splitlines()) <= 50
    assert re.search(r"0 +Linear +weight \(8, 2\), +24 +\(N, 8\) *\n +bias \(8,\)", narrow)
    assert sorted(narrow.split()) == sorted(wide.split())


def test_the_table_at_the_end_keeps_its_numbers_whole_in_the_narrowest_terminal(
    fivestep: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = fivestep(*QUICK).out.split("\n\n")[-2]
    monkeypatch.setenv("COLUMNS", "20")
    assert fivestep(*QUICK).out.split("\n\n")[-2] == wide
    assert "accuracy" in wide


def test_line_shows_weight_and_bias_as_they_move(fivestep: Command) -> None:
    out = fivestep("train", "line", "--every", 50).out
    assert re.search(r"weight +bias", out)
    assert "least squares" in out


def test_underscores_in_options_are_taken_for_hyphens(fivestep: Command) -> None:
    assert json.loads(fivestep(*QUICK, "--batch_size", 50, "--json").out)["steps"] == 80


def test_full_batch_is_an_option(fivestep: Command) -> None:
    assert json.loads(fivestep("train", "digits", "--epochs", 2, "--batch-size", "full", "--json").out)["steps"] == 2


def test_options_of_a_choice_reach_the_update_rule(fivestep: Command, tmp_path: Path) -> None:
    assert fivestep(*QUICK, "--optimizer", "sgd:momentum=0.5", "--nesterov").code == 0
    optimizer = fs.Run.load(tmp_path / "runs" / "moons-1").plan.build_optimizer()
    assert (optimizer.momentum, optimizer.nesterov) == (0.5, True)


def test_validation_part_is_split_off_on_request(fivestep: Command) -> None:
    report = json.loads(fivestep("train", "digits", "--epochs", 1, "--valid", 100, "--json").out)
    assert report["valid_loss"] is not None


def test_metrics_are_in_the_report_the_table_and_the_history(fivestep: Command, tmp_path: Path) -> None:
    _, out, err = fivestep(*QUICK, "--metric", "f1", "auc", "--monitor", "log-loss", "--restore-best", "--json")
    report = json.loads(out)
    row = list(csv.DictReader((tmp_path / "runs" / "moons-1" / "history.csv").read_text().splitlines()))[-1]
    assert {name: report[name] for name in ("train_f1", "valid_auc", "valid_log_loss")} == {
        name: float(row[name]) for name in ("train_f1", "valid_auc", "valid_log_loss")
    }
    assert re.search(r"rows +loss +accuracy +f1 +auc +log_loss", err)
    assert re.search(r"valid f1 +valid auc +valid log_loss", err)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "moons", "--metric", "f11"], "did you mean 'f1'"),
        (["train", "moons", "--metric", "rmse"], "a metric for yes or no, which the loss is for, must be one of"),
        (["train", "digits", "--metric", "top_k:k=10"], "train top_k must be measured over more than k=10 classes"),
        (["train", "moons", "--monitor", "accurcy"], "did you mean 'accuracy'"),
        (["train", "mons"], "did you mean 'moons'"),
        (["train", "moons", "--activation", "tanhh"], "did you mean 'tanh'"),
        (["train", "moons", "--optimizer", "sdg"], "did you mean 'sgd'"),
        (["train", "moons", "--optimizer", "sgd:momentun=0.9"], "did you mean 'momentum'"),
        (
            ["train", "moons", "--epoch", "3"],
            "an option must be one that fivestep train has, got '--epoch'; did you mean --epochs?",
        ),
        (["trian", "moons"], "got 'trian'; did you mean fivestep train?"),
        (["train", "moons", "--lr", "0"], "lr must be a finite number greater than 0"),
        (["train", "moons", "--lr", "-1"], "lr must be a finite number greater than 0"),
        (["train", "moons", "--lr", "fast"], "--lr must be a number, got 'fast'; see fivestep train --help."),
        (["train", "moons", "--epochs", "1.5"], "--epochs must be a whole number, got '1.5'"),
        (["train", "moons", "--hidden", "8", "8.5"], "--hidden must be a whole number, got '8.5'"),
        (["train", "moons", "--batch-size", "all"], "--batch-size must be a whole number or full, got 'all'"),
        (["train", "moons", "--batch-size", "2.5"], "--batch-size must be a whole number or full, got '2.5'"),
        (["train", "moons", "--every", "0"], "every must be a whole number of at least 1, got 0"),
        (["train", "moons", "--every", "-1"], "every must be a whole number of at least 1, got -1"),
        (["train", "moons", "--loss", "BCE"], "did you mean 'binary_cross_entropy'"),
        (["train", "moons", "--epochs", "0"], "epochs must be a whole number of at least 1"),
        (["train", "moons", "--hidden", "0"], "--hidden must be a whole number of at least 1, got 0; for no hidden"),
        (["train", "moons", "--batch-size", "1000"], "batch_size must be at most the 200 rows"),
        (["train", "moons", "--loss", "cross_entropy"], "whole-number class labels"),
        (["train", "diabetes", "--loss", "cross_entropy"], "use mse for numbers like these"),
        (
            ["train", "iris", "--loss", "mse"],
            "one for classes, which task 'iris' has, got 'mse'; leave it out.",
        ),
        (["train", "moons", "--loss", "smooth_l1:beta=2"], "one for classes, which task 'moons' has, got 'smooth_l1:"),
        (["train", "iris", "--gated"], "got 'gated'; leave it out, or use model 'feed-forward'"),
        (["train", "iris", "--norm", "batch_norm", "--batch-size", "89"], "must have at least two rows in every"),
        (["train", "iris", "--merge-duplicates", "--norm", "batch_norm"], "got batch_norm, for which copies"),
        (["train", "iris", "--optimizer", "lbfgs"], "pass batch_size=None (--batch-size full), or use adam"),
        (["train", "iris", "--schedule", "warmup:then=stp"], "did you mean 'step'"),
        (["train", "moons", "--model", "softmax"], "model for task 'moons' must be one of"),
        (["train", "moons", "--model", "linear", "--hidden", "3"], "got 'hidden'"),
        (["train", "moons", "--device", "cuda:7"], "device must be"),
        (["train", "moons", "--dtype", "float16"], "dtype must be one of"),
        (["train", "moons", "--precision", "int8"], "precision must be one of tf32, bfloat16, got 'int8'"),
        (
            ["train", "moons", "--precision", "tf32", "--device", "cpu"],
            "precision must be one that cpu has, got 'tf32'",
        ),
        (
            ["train", "moons", "--precision", "bfloat16", "--engine", "nn"],
            "--precision must be left out with --engine nn",
        ),
        (["train", "moons", "--engine", "scrach"], "did you mean 'scratch'"),
        (["train", "line", "--patience", "2", "--valid", "1.5"], "valid must be"),
        (["train", "sum", "--valid", "0.2"], "drawn fresh"),
        (
            ["train"],
            "TASK must be the name of a task or a file, got none; write for example fivestep train moons, or fivestep "
            "train houses.csv --target price. See fivestep tasks; a run goes on with --resume RUN.",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistake_is_one_sentence_with_exit_code_2_and_leaves_nothing(
    fivestep: Command, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    code, out, err = fivestep(*arguments)
    assert code == 2
    assert out == ""
    assert sentence in err
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_line_is_trained_with_the_model_that_hidden_units_are_advised(fivestep: Command) -> None:
    assert "use model 'mlp'" in fivestep("train", "line", "--hidden", 3).err
    assert fivestep("train", "line", "--model", "mlp", "--hidden", 3, "--epochs", 1).code == 0


def test_folder_that_holds_something_is_refused(fivestep: Command, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "notes.txt").write_text("mine")
    code, _, err = fivestep(*QUICK, "--out", "kept")
    assert (code, "out must be a folder that is new or empty" in err) == (2, True)
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["notes.txt"]


def test_folder_that_cannot_be_written_is_refused(fivestep: Command) -> None:
    code, _, err = fivestep(*QUICK, "--out", "/proc/nowhere")
    assert (code, "out must be a folder that can be written" in err) == (2, True)


@pytest.mark.usefixtures("curves")
def test_diverging_run_names_step_and_tensor_keeps_the_run_and_exits_1(fivestep: Command, tmp_path: Path) -> None:
    code, _, err = fivestep("train", "moons", "--optimizer", "sgd", "--lr", "1e30", "--epochs", 3)
    assert code == 1
    assert re.search(r"after step 1 \(epoch 1\), first in the output of layer 2 \(Linear\)", err)
    assert fs.Run.load(tmp_path / "runs" / "moons-1").engine.params.flat.isfinite().all()


@pytest.mark.slow
def test_ctrl_c_keeps_the_run_and_exits_130(tmp_path: Path) -> None:
    process = start(tmp_path, "train", "moons", "--epochs", "100000000", "--every", "1000")
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(9)]
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "interrupted after step" in out
    assert without_notes(err) == ""
    assert int(lines[8].split()[0]) == 1000
    assert fs.Run.load(tmp_path / "runs" / "moons-1").history


@pytest.mark.parametrize(
    "source",
    [("moons",), ("t.csv", "--target", "y"), ("t.csv", "--target", "y", "--members", 2)],
    ids=["task", "file", "members"],
)
def test_a_run_that_was_interrupted_is_not_judged(
    fivestep: Command, tmp_path: Path, source: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it has not learned yet, it may learn."""
    rows = "\n".join(["a,b,y", *(f"{k % 7},{k % 5},{'yes' if k % 7 > 3 else 'no'}" for k in range(300))])
    (tmp_path / "t.csv").write_text(rows, encoding="utf-8")
    judged = re.compile("It has learned nothing|The network beats|--bagging")
    still = ("train", *source, "--epochs", 2, "--optimizer", "sgd", "--lr", 1e-9, "--every", 1)
    assert judged.search(fivestep(*still).out)
    monkeypatch.setattr("fivestep.cli.train.Screen.show", Mock(side_effect=KeyboardInterrupt))
    code, out, _ = fivestep(*still)
    assert (code, "interrupted" in out) == (130, True)
    assert not judged.search(out)


@pytest.mark.slow
def test_pipe_closed_before_the_first_epoch_leaves_no_empty_folder(tmp_path: Path) -> None:
    process = start(tmp_path, "train", "moons")
    assert process.stdout is not None
    process.stdout.close()
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert not any((tmp_path / "runs").iterdir())


@pytest.mark.slow
def test_closed_pipe_ends_quietly(tmp_path: Path) -> None:
    process = start(tmp_path, "train", "moons", "--epochs", "2000000", "--every", "100")
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    time.sleep(0.1)
    _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, without_notes(err)) == (1, "")


def test_a_network_that_does_not_fit_in_memory_is_said_before_it_is_tried(fivestep: Command, tmp_path: Path) -> None:
    code, _, err = fivestep("train", "moons", "--hidden", 900_000, 900_000)
    assert code == 2
    assert re.fullmatch(
        r"fivestep: the network must fit into the [\d,.]+ GiB of memory .* GiB with a batch of 200 rows; .*\n", err
    )
    assert list(tmp_path.iterdir()) == []


def test_a_precision_is_said_and_kept(fivestep: Command, tmp_path: Path) -> None:
    code, out, _ = fivestep("train", "iris", "--precision", "bfloat16", "--device", "cpu", "--epochs", "2")
    assert code == 0
    assert "its products are in bfloat16 and its weights in float32" in out
    run = fs.Run.load(tmp_path / "runs" / "iris-1")
    assert str(run.engine.choice) == "fused:precision=bfloat16"
    code, _, err = fivestep("train", "--resume", str(run.path), "--precision", "tf32", "--epochs", "3")
    assert (code, "--precision" in err) == (2, True)
