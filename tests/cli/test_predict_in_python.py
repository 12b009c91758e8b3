"""`Run.predict` and `Run.predict_proba`: the numbers of `fivestep predict`, to the bit, from what Python holds."""

import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch

import fivestep as fs
from fivestep.check import InputError
from tests.cli.conftest import Command

QUICKLY = ("--recipe", "standard", "--epochs", 2, "--out", "run", "--json")
INPUTS = ("size", "age", "town", "sold")


def houses() -> pl.DataFrame:
    """Two prices, two questions and a kind, of two numbers, a category and a day, with gaps."""
    chance = np.random.default_rng(0)
    size, age = chance.normal(120, 30, 200).round(2), chance.normal(40, 10, 200).round(2)
    town = chance.choice(["Bern", "Oslo", "Rome", None], 200).tolist()
    day = pl.Series([f"201{year}-0{month}-11" for year, month in chance.integers(1, 9, (200, 2))])
    columns = {
        "size": size,
        "age": np.where(np.arange(200) % 9 > 0, age, None).tolist(),
        "town": town,
        "sold": day.str.to_date(),
    }
    targets = {"price": 1500 * size - 20 * age, "area": size / 70 + age / 50 + 1, "wet": np.where(size > 120, "y", "n")}
    return pl.DataFrame({**columns, **targets, "windy": age > 40, "kind": chance.choice(["a", "b", "c"], 200)})


def trained(fivestep: Command, *options: object) -> fs.Run:
    """A run of the houses, which learns from `INPUTS` alone."""
    houses().write_csv("houses.csv")
    targets = {"price", "area", "wet", "windy", "kind"} - {str(option) for option in options}
    assert fivestep("train", "houses.csv", *options, "--ignore", *sorted(targets), *QUICKLY).code == 0
    return fs.Run.load("run")


def told(fivestep: Command, run: str = "run", file: str = "houses.csv") -> dict[str, list[str]]:
    """The columns of `fivestep predict`, as text."""
    lines = list(csv.reader(fivestep("predict", run, file).out.splitlines()))
    return {name: column for name, *column in zip(*lines, strict=True)}


def texts(values: np.ndarray) -> list[str]:
    """Values of one column as the command writes them: in all digits that tell them apart."""
    return [str(value) for value in values.tolist()]


def one_by_one(values: np.ndarray) -> list[list[str]]:
    return [texts(column) for column in values.T]


ROWS: dict[str, Callable[[pl.DataFrame], Any]] = {
    "polars": lambda frame: frame,
    "other order": lambda frame: frame.select(reversed(INPUTS)),
    "lazy": lambda frame: frame.lazy(),
    "pandas": lambda frame: pd.DataFrame(frame.to_dict(as_series=False)),
    "mapping": lambda frame: frame.to_dict(as_series=False),
    "path": lambda _: Path("houses.csv"),
    "pattern": lambda _: "house*.csv",
}


@pytest.mark.parametrize("rows", ROWS)
def test_numbers_are_those_of_the_command_from_any_table(fivestep: Command, rows: str) -> None:
    run = trained(fivestep, "--target", "price")
    predicted = run.predict(ROWS[rows](houses().select(INPUTS)))
    assert (predicted.shape, predicted.dtype) == ((200,), np.float64)
    assert texts(predicted) == told(fivestep)["prediction"]
    assert predicted.min() > 1000  # in the units of the column


def test_classes_and_their_probabilities_are_those_of_the_command(fivestep: Command) -> None:
    run, frame = trained(fivestep, "--target", "kind"), houses().select(INPUTS)
    answers, *shares = told(fivestep).values()
    assert run.classes == ("a", "b", "c")
    assert texts(run.predict(frame)) == answers
    assert one_by_one(run.predict_proba(frame)) == shares


def test_yes_and_no_and_their_probabilities_are_those_of_the_command(fivestep: Command) -> None:
    run, frame = trained(fivestep, "--target", "wet"), houses().select(INPUTS)
    answers, *shares = told(fivestep).values()
    assert run.classes == ("n", "y")
    assert texts(run.predict(frame)) == answers
    assert one_by_one(run.predict_proba(frame)) == shares


def test_several_questions_are_answered_as_by_the_command(fivestep: Command) -> None:
    run, frame = trained(fivestep, "--target", "wet", "--target", "windy"), houses().select(INPUTS)
    columns = told(fivestep)
    assert run.classes == ("wet", "windy")
    assert one_by_one(run.predict(frame)) == [columns["prediction_wet"], columns["prediction_windy"]]
    assert one_by_one(run.predict_proba(frame)) == [columns["probability_wet_y"], columns["probability_windy_true"]]


def test_several_numbers_are_those_of_the_command(fivestep: Command) -> None:
    run = trained(fivestep, "--target", "price", "--target", "area")
    assert one_by_one(run.predict(houses().select(INPUTS))) == list(told(fivestep).values())
    assert run.classes == ()


def test_quantiles_are_those_of_the_command(fivestep: Command) -> None:
    run = trained(fivestep, "--target", "price", "--loss", "quantile:levels=(0.1,0.5,0.9)")
    assert one_by_one(run.predict(houses().select(INPUTS))) == list(told(fivestep).values())


def test_means_and_deviations_are_those_of_the_command(fivestep: Command) -> None:
    run, frame = trained(fivestep, "--target", "price", "--loss", "gaussian_nll"), houses().select(INPUTS)
    mean, deviation = run.predict(frame, return_std=True)
    columns = told(fivestep)
    assert [texts(mean), texts(deviation)] == [columns["prediction_mean"], columns["prediction_std"]]
    assert texts(run.predict(frame)) == columns["prediction_mean"]


def test_more_rows_than_are_predicted_together_keep_their_places(
    fivestep: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trained(fivestep, "--target", "price")
    monkeypatch.setattr("fivestep.prediction.rows.ROWS_AT_A_TIME", 7)
    frame = houses().select(INPUTS)
    each = [run.predict(part) for part in frame.iter_slices(7)]
    assert run.predict(frame).tolist() == np.concatenate(each).tolist()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda frame: frame.drop("age"),
            "the table must have the column 'age', on which the network was trained, got",
        ),
        (lambda frame: frame.rename({"age": "Age"}), "rename 'Age' to 'age'"),
        (lambda frame: frame.with_columns(size=pl.lit("big")), "column 'size'"),
        (lambda frame: frame.head(0), "a table must have rows and columns, got 0 and 4"),
        (lambda _: pd.Series([1.0]), "for one row of a DataFrame write"),
        (lambda frame: frame["size"], "got a Series; write series.to_frame()."),
        (lambda _: "nowhere.csv", "FILE must be a file that exists, got 'nowhere.csv'"),
    ],
)
def test_rows_that_the_command_refuses_are_refused(
    fivestep: Command, change: Callable[[pl.DataFrame], Any], sentence: str
) -> None:
    run = trained(fivestep, "--target", "price")
    with pytest.raises(InputError, match=re.escape(sentence)):
        run.predict(change(houses().select(INPUTS)))


def test_new_columns_and_new_levels_are_warned_of(fivestep: Command) -> None:
    run, frame = trained(fivestep, "--target", "price"), houses().select(INPUTS)
    with pytest.warns(UserWarning, match="the network was not trained on the column 'color'; left out") as told_here:
        run.predict(frame.with_columns(color=pl.lit("red")))
    assert told_here[0].filename == __file__
    with pytest.warns(UserWarning, match="1 of 200 rows have a 'town' that training never saw"):
        run.predict(frame.with_columns(town=pl.Series(["Lima", *frame["town"][1:]])))


@pytest.mark.parametrize("rows", [torch.Tensor.numpy, torch.Tensor.clone, torch.Tensor.tolist], ids="atl")
@pytest.mark.parametrize("task", ["moons", "iris", "line"])
def test_rows_of_a_task_are_answered_as_by_the_command(
    fivestep: Command, task: str, rows: Callable[[torch.Tensor], Any]
) -> None:
    fivestep("train", task, "--epochs", 3, "--out", "run")
    run, x = fs.Run.load("run"), fs.load_dataset(task).train.x[:50]
    np.save("x.npy", x.numpy())
    answers, *shares = told(fivestep, file="x.npy").values()
    assert texts(run.predict(rows(x))) == answers
    assert (one_by_one(run.predict_proba(rows(x))) if shares else []) == shares


def test_images_of_bytes_are_scaled_as_in_training(tmp_path: Path) -> None:
    images = torch.arange(72).reshape(6, 3, 4).to(torch.uint8)
    data = fs.Dataset(fs.Rows(images.reshape(6, 12), torch.arange(6) / 6, scale=1 / 72))
    run = fs.fit(fs.MLP(12, 4, None), data, fs.TrainPlan(loss="mse", epochs=2, batch_size=None), out=tmp_path / "run")
    expected = run.engine.predict(images.reshape(6, 12) * torch.tensor(1 / 72))[:, 0]
    assert run.predict(images).tolist() == expected.tolist()


def test_rows_of_another_width_are_refused(fivestep: Command) -> None:
    fivestep("train", "moons", "--epochs", 1, "--out", "run")
    with pytest.raises(InputError, match=r"^X must have 2 numbers in each row, got 3; see the run's task\.$"):
        fs.Run.load("run").predict(np.zeros((4, 3)))


def test_a_run_becomes_onnx_as_by_the_command(fivestep: Command) -> None:
    run = trained(fivestep, "--target", "kind")
    assert fivestep("export", "run", "--to", "onnx").code == 0
    assert run.to_onnx().SerializeToString() == Path("run", "model.onnx").read_bytes()


def test_what_has_no_probabilities_says_so(fivestep: Command) -> None:
    fivestep("train", "moons", "--epochs", 1, "--loss", "hinge", "--out", "margins")
    fivestep("train", "line", "--epochs", 1, "--out", "line")
    margins, line, x = fs.Run.load("margins"), fs.Run.load("line"), np.zeros((4, 2))
    np.save("x.npy", x)
    assert texts(margins.predict(x)) == told(fivestep, "margins", "x.npy")["prediction"]
    with pytest.raises(InputError, match="the loss must be one with probabilities for predict_proba, got margins; tr"):
        margins.predict_proba(x)
    with pytest.raises(InputError, match="predict_proba must be called for classes, got a network that predicts num"):
        line.predict_proba(x[:, :1])
    with pytest.raises(InputError, match="the loss must be 'gaussian_nll' for predict with return_std, got another o"):
        line.predict(x[:, :1], return_std=True)
