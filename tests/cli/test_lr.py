"""`fivestep lr`: the range test from the command line."""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import fivestep as fs
from tests.cli.conftest import Command


def test_it_prints_the_losses_the_suggestion_and_draws_a_picture(fivestep: Command, tmp_path: Path) -> None:
    code, out, _ = fivestep("lr", "moons")
    assert code == 0
    assert re.search(r"rate +loss +smoothed", out)
    assert re.search(r"Suggested: (\S+), a tenth of .* fivestep train moons --lr \1\n", out)
    assert [path.name for path in tmp_path.iterdir()] == ["lr-range-moons.png"]
    assert (tmp_path / "lr-range-moons.png").read_bytes().startswith(b"\x89PNG")


def test_the_command_it_advises_has_the_options_that_it_was_asked_with(fivestep: Command) -> None:
    asked = ["--hidden", "16", "8", "--optimizer", "sgd:momentum=0.9", "--nesterov", "--batch-size", "32"]
    asked += ["--lr-factor", "bias=2", "--engine", "scratch", "--data-dir", "some where"]
    with pytest.warns(UserWarning, match="data_dir must be left out"):
        out = fivestep("lr", "moons", "--num-steps", 50, *asked).out
    command = re.search(r"Try it with (fivestep train moons --lr \S+ .*)", out)
    assert command
    words = shlex.split(command[1])
    assert sorted(words[5:]) == sorted(asked)
    with pytest.warns(UserWarning, match="data_dir must be left out"):
        assert fivestep(*words[1:], "--epochs", 1).code == 0


def test_numbers_are_those_of_the_library(fivestep: Command) -> None:
    report = json.loads(fivestep("lr", "moons", "--activation", "tanh", "--num-steps", 50, "--json").out)
    plan = fs.TrainPlan(loss="binary_cross_entropy", optimizer="adam", lr=0.05, batch_size=None, epochs=20, seed=0)
    engine = fs.make_engine("scratch", fs.MLP(2, 8, 1, activation="tanh"), plan, device="cpu")
    found = fs.lr_range_test(engine, fs.load_dataset("moons"), plan, num_steps=50)
    assert (report["losses"], report["suggestion"]) == (list(found.losses), found.suggestion)


@pytest.mark.parametrize("more", [[], ["--stream"], ["--optimizer", "sgd", "--hidden", "8"]], ids=" ".join)
def test_of_a_file_it_finds_a_rate_for_its_recipe(fivestep: Command, tmp_path: Path, more: list[str]) -> None:
    x = np.random.default_rng(0).normal(size=(600, 3))
    (tmp_path / "folder").mkdir()
    frame = pl.DataFrame({f"x{k}": x[:, k] for k in range(3)} | {"the size": x @ [1.0, -2.0, 0.5], "id": range(600)})
    frame.write_parquet(tmp_path / "folder" / "some rows.parquet", row_group_size=100)
    asked = ["folder/some rows.parquet", "--target", "the size", "--ignore", "id", *more]
    code, out, _ = fivestep("lr", *asked, "--num-steps", 40)
    assert code == 0
    assert (tmp_path / "lr-range-some rows.png").exists()
    command = re.search(r"Try it with (fivestep train '.*)", out)
    assert command
    words = shlex.split(command[1])
    assert (words[2], words[3], sorted(words[5:])) == (asked[0], "--lr", sorted(asked[1:]))
    assert fivestep(*words[1:], "--epochs", 1).code == 0


def test_of_several_targets_each_is_in_the_command(fivestep: Command, tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(2000, 3))
    frame = pl.DataFrame({"a": ["-", *map(str, x[1:, 0])], "b": x[:, 0] + x[:, 1], "c": x[:, 1]})
    frame.write_csv(tmp_path / "t.csv")
    asked = ["t.csv", "--target", "b", "--target", "c", "--missing=-", "--hidden", "8", "8"]
    command = re.search(r"Try it with (fivestep train .*)", fivestep("lr", *asked).out)
    assert command
    words = shlex.split(command[1])
    assert sorted([words[2], *words[5:]]) == sorted(asked)
    assert fivestep(*words[1:], "--epochs", 1).code == 0


def test_nothing_is_compiled_for_so_few_steps(fivestep: Command) -> None:
    """The task has a thousand epochs; compiling takes a quarter of a minute, the test a tenth of a second."""
    assert json.loads(fivestep("lr", "moons", "--json").out)["engine"] == "scratch"


def test_the_picture_goes_where_it_is_wanted(fivestep: Command, tmp_path: Path) -> None:
    assert json.loads(fivestep("lr", "moons", "--out", "here.png", "--json").out)["picture"] == "here.png"
    assert (tmp_path / "here.png").exists()


def test_a_loss_that_only_rises_gets_advice_instead_of_a_suggestion(fivestep: Command) -> None:
    code, out, _ = fivestep("lr", "moons", "--low", 1e20, "--high", 1e30, "--optimizer", "sgd")
    assert (code, "The loss never fell: lower --low" in out, "Suggested" in out) == (0, True, False)


def test_a_loss_that_still_falls_at_the_end_gets_a_hint(fivestep: Command) -> None:
    assert "still falling at the largest rate" in fivestep("lr", "moons", "--high", 0.01).out


def test_an_option_without_meaning_warns(fivestep: Command) -> None:
    with pytest.warns(UserWarning, match="--metric has no meaning for fivestep lr"):
        fivestep("lr", "moons", "--metric", "f1")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["mons"], "did you mean 'moons'"),
        (["moons", "--target", "y"], "--target must be used with a file, got the task 'moons'"),
        (["no.csv", "--target", "y"], "no.csv"),
        (["moons", "--high", "1e-7"], "high must be greater than low=1e-06, got 1e-07"),
        (["moons", "--num-steps", "1"], "num_steps must be a whole number of at least 2"),
        (["moons", "--engine", "scrach"], "did you mean 'scratch'"),
        (["moons", "--out", "/proc/nowhere/x.png"], "--out must be a file that can be written"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistake_is_one_sentence_with_exit_code_2_and_leaves_nothing(
    fivestep: Command, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    code, out, err = fivestep("lr", *arguments)
    assert (code, out, err.count("\n"), sentence in err) == (2, "", 1, True)
    assert not list(tmp_path.iterdir())
