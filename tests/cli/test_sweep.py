"""`fivestep sweep`: from the command line, as its user would."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import polars as pl
import pytest
from rich.console import Console

import fivestep as fs
from fivestep.cli._sweep_screen import SweepScreen
from fivestep.sweep.sweeping import Status
from tests.cli.conftest import Command
from tests.cli.processes import PATIENCE, until

SMALL = ("--epochs", 20, "--models", 6, "--hidden", "4", "6,3", "--lr", "1e-3:1e-1", "--engine", "scratch")


def test_it_trains_ranks_and_keeps_the_best_as_a_run(fivestep: Command, tmp_path: Path) -> None:
    code, out, err = fivestep("sweep", "moons", *SMALL)
    assert (code, err) == (0, "")
    assert re.search(r"6 networks, drawn by what came out \(TPE\), halving by 3, .* in runs/sweep-moons-1", out)
    assert re.search(r"rank +network +valid loss +hidden +lr +accuracy +epochs\n +1 ", out)
    run = re.search(r"Its run is in (\S+), the ranking in (\S+)\n", out)
    assert run
    rows = list(csv.DictReader(Path(run[2]).read_text(encoding="utf-8").splitlines()))
    best = fs.Run.load(run[1], device="cpu")
    assert best.history[-1].valid_loss == float(rows[0]["valid_loss"])
    assert sorted(int(row["network"]) for row in rows) == [*range(6)]
    assert (tmp_path / "runs/sweep-moons-1/sweep.png").exists()


def test_a_metric_that_is_better_when_higher_is_shown_as_it_was_measured(fivestep: Command) -> None:
    outcome = fivestep("sweep", "moons", *SMALL, "--monitor", "accuracy")
    best = re.search(r"rank +network +valid accuracy +hidden +lr +epochs\n +1 +(\d+) +([\d.]+) ", outcome.out)
    assert best
    assert f"best {best[2]} (network {best[1]})" in outcome.out
    assert re.search(rf"\nvalid .* {re.escape(best[2])}\n", outcome.out), "the accuracy of the network trained again"


@pytest.mark.parametrize("halving", ["3", "off"])
def test_a_table_with_pruned_networks_says_that_they_come_last(fivestep: Command, halving: str) -> None:
    options = ("--models", 12, "--epochs", 18, "--lr", "1e-4:1e-1", "--engine", "scratch", "--halving", halving)
    out = fivestep("sweep", "moons", *options).out
    said = "Pruned networks come after those that trained to the end" in out
    assert (re.search(r"12 networks, \d+ pruned", out) is not None, said) == (halving == "3",) * 2


def test_the_best_is_the_network_that_train_gives_with_its_settings(fivestep: Command) -> None:
    """Lists are a grid; its figures are those of `fivestep train` with that engine, to the digit."""
    report = json.loads(
        fivestep("sweep", "moons", "--lr", 0.01, 0.02, "--seed", 3, "--epochs", 20, "--halving", "off", "--json").out
    )
    train = ("train", "moons", "--lr", report["settings"]["lr"], "--seed", 3, "--epochs", 20, "--json")
    alone = json.loads(fivestep(*train, "--engine", "fused").out)  # by itself, so short a training is left to scratch
    assert {name: report[name] for name in ("valid_loss", "test_loss")} == {
        name: alone[name] for name in ("valid_loss", "test_loss")
    }
    assert (report["networks"], report["done"], report["pruned"]) == (2, 2, 0)


def test_a_file_is_swept_with_the_recipe_for_files(fivestep: Command, tmp_path: Path) -> None:
    table = "\n".join(["a,b,y", *(f"{k % 7},{'uv'[k % 2]},{'yes' if k % 7 > 3 else 'no'}" for k in range(80))])
    (tmp_path / "t.csv").write_text(table, encoding="utf-8")
    space = ("--hidden", "4", "8", "--dropout", "0:0.5", "--models", 3, "--epochs", 6)
    report = json.loads(fivestep("sweep", "t.csv", "--target", "y", *space, "--json").out)
    assert set(report["settings"]) == {"hidden", "dropout"}
    assert 0 <= report["test_accuracy"] <= 1
    assert fivestep("predict", report["run"], "t.csv", "-o", "out.csv").code == 0


def test_what_is_the_same_for_all_is_in_the_plan_of_the_best(fivestep: Command, tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(900, 3))
    frame = pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": np.where(x[:, 0] + x[:, 2] > 1.5, "yes", "no")})
    frame.write_csv(tmp_path / "t.csv")
    shared = ("--class-weight", "balanced", "--no-temperature-scaling", "--clip-value", 0.5, "--no-decay", "bias")
    varied = ("--ema", 0.5, 0.9, "--hidden", "8,8", "--residual", "--epochs", 3)
    report = json.loads(fivestep("sweep", "t.csv", "--target", "y", *varied, *shared, "--json").out)
    plan = fs.Run.load(report["run"], device="cpu").plan
    assert (plan.class_weight, plan.temperature_scaling, plan.clip_value) == ("balanced", False, 0.5)
    assert (plan.no_decay, plan.ema) == (("bias",), float(report["settings"]["ema"]))
    assert fivestep("sweep", "--resume", Path(report["run"]).parent).code == 0


def test_counts_keep_their_units_under_a_loss_for_counts(fivestep: Command, tmp_path: Path) -> None:
    table = "x,cnt\n" + "".join(f"{k % 7},{(k % 7) * (k % 3)}\n" for k in range(60))
    (tmp_path / "t.csv").write_text(table, encoding="utf-8")
    arguments = ("t.csv", "--target", "cnt", "--task", "regression", "--loss", "poisson", "--epochs", "2")
    assert fivestep("sweep", *arguments, "--lr", "0.001", "0.002").code == 0
    assert fivestep("sweep", *arguments, "--lr", "0.001", "0.002", "--seed", "1", "2").code == 0


def test_it_goes_on_with_its_own_options(fivestep: Command) -> None:
    first = json.loads(fivestep("sweep", "moons", *SMALL, "--json").out)
    more = json.loads(fivestep("sweep", "--resume", first["sweep"], "--models", 8, "--json").out)
    assert (more["sweep"], more["networks"]) == (first["sweep"], 8)
    again = json.loads(
        fivestep("sweep", "moons", *SMALL[:2], "--models", 8, *SMALL[4:], "--out", first["sweep"], "--json").out
    )
    assert again == more
    assert re.search(r"\n8 of 8 networks, .*best", fivestep("sweep", "--resume", first["sweep"]).out)


def test_one_that_was_killed_before_it_kept_its_command_says_how_to_go_on(fivestep: Command, tmp_path: Path) -> None:
    assert fivestep("sweep", "moons", *SMALL, "--out", "a").code == 0
    mark = tmp_path / "a" / "sweep.toml"
    mark.write_text("[about]" + mark.read_text("utf-8").partition("[about]")[2], encoding="utf-8")
    code, _, err = fivestep("sweep", "--resume", "a")
    assert (code, "got none, as of one that was killed" in err, "again with --out a." in err) == (2, True, True)
    assert fivestep("sweep", "moons", *SMALL, "--out", "a").code == 0
    assert fivestep("sweep", "--resume", "a").code == 0


def test_a_database_in_a_file_is_found_from_another_folder(
    fivestep: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = fivestep("sweep", "moons", *SMALL, "--out", "a", "--storage", "sqlite:///x.db", "--json").report
    (tmp_path / "b").mkdir()
    monkeypatch.chdir(tmp_path / "b")
    assert fivestep("sweep", "--resume", "../a", "--json").report["networks"] == first["networks"]
    assert not (tmp_path / "b" / "x.db").exists()


@pytest.mark.parametrize(
    ("status", "members", "said"),
    [
        (Status(0, 4, 4), {}, "0 of 4 networks, 4 in other processes, none left for this one\n"),
        (Status(1, 4, 2), {3: None}, "1 of 4 networks, 2 in other processes\n"),
    ],
)
def test_waiting_for_other_processes_is_said_once(
    status: Status, members: dict[int, None], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = Mock(status=status, attempts={}, standing=[], members=members)
    screen = SweepScreen(Console(width=80), sweep)
    screen._said_at -= 2
    screen.show()
    screen._said_at -= 2
    screen.show()
    assert capsys.readouterr().out == said


def test_the_remaining_time_of_a_sweep_leaves_out_compiling(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = iter([0.0, 40.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(seconds))
    engine = Mock(num_updates=5, seconds_compiling=30.0)
    member = Mock(engine=engine, plan=Mock(num_steps=lambda _num_rows: 10), data=Mock(train=[]))
    sweep = Mock(status=Status(0, 4, 0), attempts={}, standing=[], members={0: member})
    console = Console(width=60)
    console.print(SweepScreen(console, sweep))
    assert "0 of 4 networks, 1 min 10 s left" in capsys.readouterr().out, "half of one in 10 s, 3.5 are left"


def test_a_password_is_not_kept_and_must_be_given_again(fivestep: Command, tmp_path: Path) -> None:
    storage = "postgresql+psycopg2://me:secret@127.0.0.1:1/x"
    outcome = fivestep("sweep", "moons", *SMALL, "--out", "a", "--storage", storage)
    assert (outcome.code, "secret" in outcome.err, (tmp_path / "a").exists()) == (2, False, False)
    (tmp_path / "a").mkdir()
    kept = f'command = "moons --lr 1e-3:1e-1"\nmodels = 2\nstorage = "{storage.replace("secret", "...")}"'
    (tmp_path / "a" / "sweep.toml").write_text(kept, encoding="utf-8")
    code, _, err = fivestep("sweep", "--resume", "a")
    assert (code, "--resume must be used with --storage where that has a password" in err) == (2, True)
    assert "127.0.0.1" in fivestep("sweep", "--resume", "a", "--storage", storage).err


def test_the_storage_of_another_sweep_is_refused_before_a_folder_is_made(fivestep: Command, tmp_path: Path) -> None:
    assert fivestep("sweep", "moons", *SMALL, "--storage", "shared.log", "--out", "a").code == 0
    code, _, err = fivestep("sweep", "moons", *SMALL[:4], "--lr", "0.1:1", "--storage", "shared.log", "--out", "b")
    assert (code, (tmp_path / "b").exists()) == (2, False)
    assert "the storage 'shared.log' must hold this sweep, got another one, with hidden 4 6,3 (here none)" in err


def test_the_folder_of_another_sweep_is_refused_and_goes_on_as_before(fivestep: Command, tmp_path: Path) -> None:
    assert fivestep("sweep", "moons", *SMALL, "--out", "a").code == 0
    kept = (tmp_path / "a" / "sweep.toml").read_bytes()
    code, out, err = fivestep("sweep", "moons", *SMALL[:4], "--lr", "0.1:1", "--out", "a")
    assert (code, out) == (2, "")
    assert "the folder 'a' must hold this sweep, got another one, with hidden 4 6,3 (here none)" in err
    assert (tmp_path / "a" / "sweep.toml").read_bytes() == kept
    assert fivestep("sweep", "--resume", "a").code == 0


def test_a_narrow_terminal_leaves_out_columns_and_keeps_numbers_whole(
    fivestep: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "38")
    out = fivestep("sweep", "moons", *SMALL).out
    assert re.search(r"rank +network +valid loss +hidden\n", out)


COMMAND = [sys.executable, "-m", "fivestep", "sweep", "moons", "--lr", "1e-3:1e-1", "--models", "5000", "--fleet", "5"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_ctrl_c_ends_it_and_it_goes_on(number: signal.Signals, code: int, word: str, tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [*COMMAND, "--epochs", "400", "--engine", "scratch", "--threads", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=tmp_path) as process:
        table = tmp_path / "runs/sweep-moons-1/sweep.csv"
        until(table.exists, process)
        process.send_signal(number)
        out = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == code
    assert re.search(
        rf"{word} after [\d,]+ networks\nIt goes on with: fivestep sweep --resume runs/sweep-moons-1\n$", out
    )
    assert len(table.read_text(encoding="utf-8").splitlines()) > 5


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["moons"], "a sweep must vary at least one setting, got one value for each; write for example --lr 1e-4:1e-1"),
        ([], "TASK must be the name of a task or a file, got none"),
        (["mons", "--lr", "1:2"], "did you mean 'moons'"),
        (["moons", "--lr", "2:1"], "lr: a range must be from a smaller to a larger number, got '2:1'"),
        (["moons", "--lr", "1:2", "--models", "0"], "models must be a whole number of at least 1, got 0"),
        (["moons", "--lr", "1:2", "--threads", "0"], "threads must be a whole number of at least 1, got 0"),
        (["moons", "--lr", "1:2", "--engine", "fusd"], "did you mean 'fused'"),
        (["moons", "--lr", "1:2", "--halving", "x"], "--halving must be a whole number or off, got 'x'"),
        (["moons", "--hidden", "8", "300000,300000"], "every network of the sweep must fit into this machine's"),
        (["moons", "--lr", "1:2", "--target", "y"], "--target must be used with a file"),
        (["t.csv", "--lr", "1:2"], "--target must name the column of t.csv to predict"),
        (["moons", "--lr", "1:2", "--storage", "ftp://x"], "got 'ftp://x'"),
        (
            ["moons", "--lr", "1:2", "--storage", "nowhere/x"],
            "storage must be a file that can be written, got 'nowhere/x'",
        ),
        (["moons", "--lr", "1:2", "--storage", "sqlite:///"], "storage must be a file or a database that lasts"),
        (["moons", "--dropout", "-0.5:1"], "got '-0.5:1'; as the value of --dropout, write --dropout=-0.5:1."),
        (["moons", "--lr", "1:2", "--storage", "."], "storage must be a file that can be written, got '.'"),
        (["moons", "--lr", "1:2", "--nesterov"], "--nesterov must have a value behind it, got none"),
        (["moons", "--lr", "1", "2", "--activation", "rel"], "fivestep: activation must be one of"),
        (["--resume", "nowhere"], "--resume must be the folder of a sweep, with a sweep.toml in it, got 'nowhere'"),
        (["--resume", "nowhere", "--lr", "1:2"], "--resume must be used alone, or with --models"),
    ],
)
def test_bad_input_is_one_sentence(fivestep: Command, arguments: list[str], sentence: str) -> None:
    code, out, err = fivestep("sweep", *arguments)
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1


def test_a_sweep_of_which_nothing_is_left_fails(fivestep: Command) -> None:
    code, out, err = fivestep("sweep", "line", "--lr", 1e6, 1e7, "--epochs", 200)
    assert code == 1
    assert "\n2 of 2 networks, 2 diverged\n" in out, "none is the best"
    assert "the loss must stay finite, got none that did; try lower rates" in err


def test_a_hostile_file_of_options_runs_no_other_command(fivestep: Command, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for text in ("command = 'moons --resume a'\nmodels = 1", "nonsense", "models = 1", "command = 7\nmodels = 1"):
        (tmp_path / "a" / "sweep.toml").write_text(text, encoding="utf-8")
        assert fivestep("sweep", "--resume", "a").code == 2
