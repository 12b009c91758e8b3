"""`fivestep train --members` and `--bagging`: several networks in one run, which every command takes or refuses."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from sklearn.model_selection import GroupKFold, TimeSeriesSplit

import fivestep as fs
from fivestep.cli import _members
from fivestep.ensemble import num_members
from fivestep.layer import Memo
from fivestep.layers._composite import within
from fivestep.run import Run
from tests.cli.conftest import Command
from tests.cli.test_table import houses
from tests.tolerances import FLOAT32, distance

OPTIONS = ("--target", "price", "--hidden", 8, "--epochs", 10)


@pytest.fixture
def run(fivestep: Command, tmp_path: Path) -> Path:
    houses().write_csv(tmp_path / "houses.csv")
    assert fivestep("train", "houses.csv", *OPTIONS, "--members", 2, "--bagging", 2, "--out", "run").code == 0
    return tmp_path / "run"


def test_the_run_is_one_network_of_all_members_and_their_mean_curve(run: Path) -> None:
    found = Run.load(run)
    assert num_members(found.spec) == found.info["members"] == 4
    assert [epoch.index for epoch in found.history] == list(range(1, 11))


def test_it_predicts_the_mean_of_its_members(run: Path) -> None:
    found = Run.load(run)
    x, (layer,), (w,) = found.load_data().train.x, found.engine.layers, found.engine.params.weights
    each = []
    for k in range(4):
        a = x
        for j, inner in enumerate(layer.body):
            own = within(w, f"members.{k}.{j}")
            a = inner.forward(own, a, Memo(training=False))
        each.append(a)
    assert distance(found.engine.predict(x), torch.stack(each).double().mean(0)) < FLOAT32


@pytest.mark.parametrize(
    ("num_rows", "options", "is_said"),
    [
        (200, (), True),
        (200, ("--bagging", 2), False),
        (60, (), False),
        (200, ("--residual",), False),
        (200, ("--optimizer", "sgd"), False),
        (200, ("--recipe", "standard"), False),
        (200, ("--group", "g"), True),
        (200, ("--time", "t"), False),
        (200, ("--valid", "more.csv"), False),
        (200, ("--stream",), False),
    ],
)
def test_one_network_of_few_rows_is_told_that_several_are_better(
    fivestep: Command, tmp_path: Path, num_rows: int, options: tuple[Any, ...], *, is_said: bool
) -> None:
    rows = pl.int_range(pl.len())
    table = houses().head(num_rows).with_columns(g=rows % 10, t=rows)
    table.write_csv(tmp_path / "houses.csv")
    table.head(40).write_csv(tmp_path / "more.csv")
    out = fivestep("train", "houses.csv", *OPTIONS, *options).out
    assert ("the mean of several networks is usually better: add --bagging 5" in out) == is_said


@pytest.mark.usefixtures("run")
def test_evaluate_export_and_pictures_take_it(fivestep: Command) -> None:
    assert fivestep("evaluate", "run", "houses.csv").code == 0
    assert fivestep("export", "run", "--to", "torch").code == 0
    assert fivestep("plot", "run", "curves").code == 0


@pytest.mark.usefixtures("run")
def test_what_needs_the_training_again_is_refused_in_one_sentence(fivestep: Command) -> None:
    refused = fivestep("plot", "run", "gradient-flow")
    assert refused.code == 2
    assert "must be used with the training of one network, got 4 trained each by itself" in refused.err
    assert fivestep("train", "--resume", "run").code == 2


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--members", 1), "members must be a whole number of at least 2, got 1"),
        (("--bagging", 2, "--report"), "--report must be left out with --members and --bagging"),
        (("--bagging", 2, "--stream"), "folds must be made of rows in memory, got 'houses', which is streamed"),
        (("--bagging", 100_000), "--bagging must be at most the "),
        (("--bagging", 16, "--group", "town"), "--bagging must be at most the "),
        (
            ("--bagging", 60, "--time", "id"),
            "--bagging must be so few that each period of the 48 rows to validate on has",
        ),
        (
            ("--bagging", 2, "--valid", "more.csv"),
            "--valid must be left out with --bagging, each fold of which validates",
        ),
        (("--bagging", 2, "--valid", 0.3), "--valid must be left out with --bagging, each fold of which validates"),
        (("--members", 2, "--resume", "run"), "--resume must be left out with --members and --bagging, got 'run'"),
    ],
)
def test_what_does_not_go_together_is_refused(
    options: tuple[object, ...], sentence: str, fivestep: Command, tmp_path: Path
) -> None:
    houses().write_csv(tmp_path / "houses.csv")
    refused = fivestep("train", "houses.csv", *OPTIONS, *options)
    assert (refused.code, sentence in refused.err, refused.out) == (2, True, "")
    assert not (tmp_path / "runs").exists()


NUMBERS = np.arange(200)
ROWS = pl.DataFrame(
    {
        "x": np.random.default_rng(0).normal(size=200),
        "price": np.random.default_rng(1).normal(size=200),
        "person": [f"p{k}" for k in NUMBERS * 7 % 30],
        "when": NUMBERS[::-1] * 1.5,
        "week": NUMBERS[::-1] // 7,
        "weight": NUMBERS + 1,  # tells which row it is
    }
)


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[int], list[int]]]:
    """The numbers of the rows that each fold trains on, and of those that it validates on."""
    found: list[tuple[list[int], list[int]]] = []
    members_of = _members._members

    def noting(run: Run, parts: list[fs.Dataset], of_each: int) -> Any:
        found.extend((numbers(part.train), numbers(part.valid)) for part in parts)
        return members_of(run, parts, of_each)

    monkeypatch.setattr(_members, "_members", noting)
    return found


def numbers(rows: fs.Rows | None) -> list[int]:
    assert rows is not None
    assert rows.weight is not None
    return [int(weight) - 1 for weight in rows.weight]


FEW = ("--hidden", 4, "--epochs", 2, "--batch-size", 10, "--json")


def train_in_folds(fivestep: Command, *options: object) -> None:
    ROWS.write_csv("rows.csv")
    others = {"person", "when", "week"} - {str(option) for option in options}
    fixed = ("--target", "price", "--weight", "weight", "--hidden", 4, "--epochs", 2, "--ignore", *sorted(others))
    assert fivestep("train", "rows.csv", *fixed, *options).code == 0


def test_folds_beside_group_are_those_of_scikit_learn(fivestep: Command, parts: list[Any]) -> None:
    train_in_folds(fivestep, "--group", "person", "--bagging", 3)
    rows, person = np.array(sorted(parts[0][0] + parts[0][1])), ROWS["person"].to_numpy()
    expected = [(rows[train], rows[valid]) for train, valid in GroupKFold(3).split(rows, groups=person[rows])]
    assert len(rows) > 150
    assert sorted(set(person[NUMBERS]) - set(person[rows])), "some persons are to test on alone"
    assert {tuple(sorted(valid)) for _, valid in parts} == {tuple(valid) for _, valid in expected}
    assert not any(set(person[train]) & set(person[valid]) for train, valid in parts)


@pytest.mark.parametrize(("options", "num_last"), [((), 32), (("--valid", 0.5), 80)])
def test_folds_beside_time_are_those_of_scikit_learn(
    fivestep: Command, parts: list[Any], options: tuple[object, ...], num_last: int
) -> None:
    """Of 200 rows 40 test, and 32 of the others validate, the latest: here those with the smallest numbers."""
    train_in_folds(fivestep, "--time", "when", "--bagging", 4, *options)
    rows = NUMBERS[::-1][:160]
    expected = TimeSeriesSplit(4, test_size=num_last // 4).split(rows)
    assert [(sorted(train), sorted(valid)) for train, valid in parts] == [
        (sorted(rows[train]), sorted(rows[valid])) for train, valid in expected
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "3 folds of 53 to 54 rows: for each, a network that validates on it and trains on the others."),
        (("--group", "person"), r"3 folds of .* rows, in whole groups: for each, a network that validates on it"),
        (
            ("--members", 2),
            "3 folds of 53 to 54 rows: for each, 2 networks that validate on it and train on the others.",
        ),
        (
            ("--time", "when"),
            "3 periods of 10 rows: for each, a network that validates on it and trains on all before it.",
        ),
    ],
)
def test_folds_are_said(fivestep: Command, options: tuple[object, ...], said: str) -> None:
    ROWS.write_csv("rows.csv")
    others = {"person", "when", "week"} - {str(option) for option in options}
    told = fivestep(
        "train", "rows.csv", "--target", "price", "--ignore", *sorted(others), *FEW, *options, "--bagging", 3
    )
    assert re.search(said, told.err)
    assert json.loads(told.out)["epochs"] == 2


def test_rows_of_the_same_time_are_in_one_part_of_a_fold(fivestep: Command, parts: list[Any]) -> None:
    train_in_folds(fivestep, "--time", "week", "--bagging", 3)
    week = ROWS["week"].to_numpy()
    assert len(parts) == 3
    assert all(week[train].max() < week[valid].min() for train, valid in parts)
    assert len({number for _, valid in parts for number in valid}) == sum(len(valid) for _, valid in parts)


def test_as_many_periods_as_rows_are_too_many(fivestep: Command) -> None:
    ROWS.head(14).select("x", "price", "when").write_csv("few.csv")
    code, _, err = fivestep("train", "few.csv", "--target", "price", "--time", "when", "--bagging", 11)
    assert code == 2
    assert "--bagging must be so few that each period of the 2 rows to validate on has times of its own, got 11" in err


def test_a_task_can_have_members_too(fivestep: Command, tmp_path: Path) -> None:
    assert fivestep("train", "moons", "--members", 3, "--epochs", 5, "--out", "run").code == 0
    assert num_members(Run.load(tmp_path / "run").spec) == 3


def test_the_bar_counts_the_steps_of_each_network(fivestep: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # as in a terminal
    out = fivestep("train", "moons", "--members", 2, "--epochs", 4, "--every", 2, "--engine", "scratch").out
    assert "step 0 of 4" in out
    assert "step 4 of 4" in out


@pytest.mark.parametrize(("folds", "batch_size", "steps"), [(2, 100, 24), (11, 109, 44)])
def test_the_bar_counts_the_steps_of_the_longest_fold(
    fivestep: Command, monkeypatch: pytest.MonkeyPatch, folds: int, batch_size: int, steps: int
) -> None:
    """Of 1200 rows: 600, which are 6 batches; or 1090 and 1091, which are 10 batches and one row more."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    plan = ("--epochs", 4, "--every", 2, "--batch-size", batch_size, "--engine", "scratch")
    out = fivestep("train", "moons", "--bagging", folds, *plan).out
    assert f"step 0 of {steps}" in out
    assert f"step {steps} of {steps}, 0 s left" in out
