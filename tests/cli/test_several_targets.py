"""`--target` more than once: what a run of several columns trains, measures, predicts and exports."""

import csv
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import accuracy_score, mean_absolute_error, r2_score, root_mean_squared_error

from fivestep.cli._table_screen import _verdict
from fivestep.datasets._base import Dataset
from fivestep.datasets._table import labeled_rows
from fivestep.ensemble import num_members
from fivestep.pictures._base import Subject
from fivestep.report import _results
from fivestep.run import Run
from fivestep.table.target import NumberTarget
from fivestep.table.targets import TargetColumns
from fivestep.table.values import PLAIN
from fivestep.table.words import readable
from tests.cli.conftest import Command
from tests.tolerances import FLOAT32

NUMBERS = ("--target", "price", "--target", "area", "--ignore", "wet", "windy", "kind")
QUESTIONS = ("--target", "wet", "--target", "windy", "--ignore", "price", "area", "kind")
QUICKLY = ("--recipe", "standard", "--epochs", 3, "--out", "run", "--json")


def houses() -> pl.DataFrame:
    """Two prices of different sizes, and two questions, of two numbers."""
    chance = np.random.default_rng(0)
    size, age = chance.normal(120, 30, 200).round(2), chance.normal(40, 10, 200).round(2)
    wet, windy = size + age > 160, age > 40
    columns = {"size": size, "age": age, "price": 1500 * size - 20 * age, "area": size / 70 + age / 50 + 1}
    questions = {"wet": np.where(wet, "yes", "no"), "windy": windy, "kind": chance.choice(["a", "b", "c"], 200)}
    return pl.DataFrame({**columns, **questions})


@pytest.fixture
def file(tmp_path: Path) -> pl.DataFrame:
    houses().write_csv(tmp_path / "houses.csv")
    return houses()


def predicted(fivestep: Command) -> dict[str, np.ndarray]:
    """The columns of `fivestep predict`."""
    lines = list(csv.reader(fivestep("predict", "run", "houses.csv").out.splitlines()))
    return {name: np.array(column) for name, *column in zip(*lines, strict=True)}


@pytest.mark.parametrize("how", [(), ("--stream",)])
def test_several_numbers_are_measured_as_scikit_learn_does(
    fivestep: Command, file: pl.DataFrame, how: tuple[str, ...]
) -> None:
    trained = fivestep("train", "houses.csv", *NUMBERS, *how, *QUICKLY).report
    assert set(trained["baselines"]) >= {"the mean", "the mean_price", "the mean_area", "a linear model"}
    report = fivestep("evaluate", "run", "houses.csv", "--metric", "rmse", "mae", "r2", "--json").report
    columns = predicted(fivestep)
    assert list(columns) == ["prediction_price", "prediction_area"]
    y, z = file["price", "area"].to_numpy(), np.stack(list(columns.values()), 1).astype(float)
    for name, of in {"rmse": root_mean_squared_error, "mae": mean_absolute_error, "r2": r2_score}.items():
        each = of(y, z, multioutput="raw_values")
        assert [report[f"file_{name}_price"], report[f"file_{name}_area"]] == pytest.approx(each, rel=FLOAT32)
        assert report[f"file_{name}"] == pytest.approx(of(y, z), rel=FLOAT32)


def test_the_screen_and_the_report_have_each_target_and_say_that_the_rest_are_means(
    fivestep: Command, file: pl.DataFrame
) -> None:
    fivestep("train", "houses.csv", *NUMBERS, *QUICKLY)
    columns = predicted(fivestep)
    y, z = file["price", "area"].to_numpy(), np.stack(list(columns.values()), 1).astype(float)
    each = root_mean_squared_error(y, z, multioutput="raw_values")
    sentence, lines = "rmse and r2 above are means over the targets, whatever their units.", "file, by target"
    said = fivestep("evaluate", "run", "houses.csv").out
    assert sentence in said
    assert [line.split()[:2] for line in said.partition(lines)[2].splitlines()[1:]] == [
        ["price", readable(each[0])],
        ["area", readable(each[1])],
    ]
    run = Run.load("run")
    rows = labeled_rows(run.encoder, Path("houses.csv"), None)
    page = "".join(_results(run, Subject(run.engine, Dataset(rows, num_outputs=2))))
    assert sentence in page
    shown = re.findall(r'<td>(\w+)</td><td class="number">([\d,.]+)</td>', page)
    assert shown == [("train", "200"), ("price", readable(each[0])), ("area", readable(each[1]))]


def test_the_verdict_is_an_average_in_deviations_and_names_what_was_not_learned() -> None:
    """Of two targets whose deviations are 2000 and 2; one that is learned no better than by its mean is named."""
    targets = TargetColumns((NumberTarget("price", PLAIN, 0.0, 2000.0), NumberTarget("a, b", PLAIN, 0.0, 2.0)))
    known = {"the mean": {"price": 2000.0, "a, b": 2.0}, "a linear model": {"price": 200.0, "a, b": 1.0}}
    beats = "On average over the targets, the network beats the mean and a linear model."
    assert _verdict(targets, {"price": 100.0, "a, b": 0.9}, known, "") == beats
    assert _verdict(targets, {"price": 100.0, "a, b": 2.1}, known, "").startswith(
        "Of 'a, b' the network knows no more "
    )
    assert _verdict(targets, {"price": 2100.0, "a, b": 2.1}, known, " Why?").endswith("other settings. Why?")


def test_many_targets_are_a_line_each(fivestep: Command) -> None:
    """So that figures are not cut where there are more targets than columns fit."""
    chance = np.random.default_rng(0)
    rows = {"x": chance.normal(size=120), **{f"target_{k}": chance.integers(0, 2, 120) for k in range(14)}}
    pl.DataFrame(rows).write_csv("many.csv")
    asked = [word for k in range(14) for word in ("--target", f"target_{k}")]
    out = fivestep("train", "many.csv", *asked, "--recipe", "standard", "--epochs", 1).out
    verdict = out.partition("higher is better")[2]
    lines = re.findall(r"^target_(\d+)((?: +[01]\.\d{4}){3})$", verdict, re.MULTILINE)
    assert [int(k) for k, _ in lines] == list(range(14))


@pytest.mark.parametrize("how", [(), ("--stream",)])
def test_several_questions_are_measured_as_scikit_learn_does(
    fivestep: Command, file: pl.DataFrame, how: tuple[str, ...]
) -> None:
    fivestep("train", "houses.csv", *QUESTIONS, *how, *QUICKLY)
    report, columns = fivestep("evaluate", "run", "houses.csv", "--json").report, predicted(fivestep)
    assert list(columns) == [
        *("prediction_wet", "probability_wet_no", "probability_wet_yes"),
        *("prediction_windy", "probability_windy_false", "probability_windy_true"),
    ]
    wet, windy = columns["prediction_wet"] == "yes", columns["prediction_windy"] == "true"
    assert (wet == (columns["probability_wet_yes"].astype(float) > 0.5)).all()
    y, z = np.stack([file["wet"] == "yes", file["windy"]], 1), np.stack([wet, windy], 1)
    assert report["file_subset_accuracy"] == pytest.approx(accuracy_score(y, z))
    each = [accuracy_score(y[:, k], z[:, k]) for k in range(2)]
    assert [report["file_accuracy_wet"], report["file_accuracy_windy"]] == pytest.approx(each)
    assert report["file_accuracy"] == pytest.approx(np.mean(each))


def test_a_row_with_a_gap_in_any_target_is_left_out_and_that_is_said(fivestep: Command, file: pl.DataFrame) -> None:
    row = pl.int_range(200)
    gaps = {"price": row % 40 == 0, "area": row % 20 == 0}
    file.with_columns(pl.when(gap).then(None).otherwise(name).alias(name) for name, gap in gaps.items()).write_csv(
        "houses.csv"
    )
    found = fivestep("train", "houses.csv", *NUMBERS, *QUICKLY)
    assert "note: 10 rows have no 'price' or no 'area' to learn from or to be measured by: left out." in found.err
    assert "Rows: 122 to train, 30 to validate, 38 to test" in found.err


@pytest.mark.usefixtures("file")
@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--target", "price", "--target", "price"), "must be different ones, got 'price' twice; name another."),
        (("--target", "price,area"), "got 'price,area'; write them apart: --target price --target area."),
        (("--target", "price", "area"), "which takes one value; write several as --target price --target area; see"),
        (("--target", "price", "--target", "ara"), "got 'ara'; did you mean 'area'?"),
        (("--target", "price", "--target", "kind"), "'price' (numbers), 'kind' (3 classes); train a run for each, or"),
        (("--target", "price", "--target", "area", "--ignore", "area"), "got 'area'; it is no input anyway"),
        (
            (*QUESTIONS, "--loss", "cross_entropy"),
            "one for yes or no, of which the targets 'wet' and 'windy' are several",
        ),
        ((*QUESTIONS, "--class-weight", "balanced"), "the yes of each: binary_cross_entropy:pos_weight=(1,2)."),
        ((*QUESTIONS, "--loss", "mse"), "each of the targets 'wet' and 'windy', got 'mse'; leave it out."),
        (
            (*NUMBERS, "--loss", "hinge"),
            "one that compares numbers, as the targets 'price' and 'area' hold, got 'hinge'; leave it out.",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(fivestep: Command, options: tuple[str, ...], sentence: str) -> None:
    found = fivestep("train", "houses.csv", *options, *QUICKLY)
    assert found.code == 2
    assert sentence in found.err
    assert not Path("run").exists()


@pytest.mark.usefixtures("file")
def test_a_stream_refuses_a_mixture_too(fivestep: Command) -> None:
    found = fivestep("train", "houses.csv", "--target", "price", "--target", "wet", "--stream", *QUICKLY)
    assert (found.code, "got 'price' (numbers), 'wet' (2 classes)" in found.err) == (2, True)


@pytest.mark.usefixtures("file")
def test_a_run_goes_on_with_its_targets_alone(fivestep: Command) -> None:
    fivestep("train", "houses.csv", *NUMBERS, *QUICKLY)
    assert fivestep("train", "--resume", "run", *NUMBERS).code == 0
    found = fivestep("train", "--resume", "run", "--target", "price")
    assert (found.code, "--target price (in the run 'price' and 'area')" in found.err) == (2, True)
    assert Run.load("run").encoder.targets.names == ("price", "area")  # type: ignore[union-attr]


@pytest.mark.parametrize("options", [NUMBERS, QUESTIONS])
def test_the_onnx_file_predicts_the_same(fivestep: Command, file: pl.DataFrame, options: tuple[str, ...]) -> None:
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    fivestep("train", "houses.csv", *options, *QUICKLY)
    assert fivestep("export", "run").code == 0
    session = runtime.InferenceSession("run/model.onnx")
    inputs = {name: file[name].to_numpy().astype(np.float64)[:, None] for name in ("size", "age")}
    (prediction,) = session.run(["prediction"], inputs)
    expected = np.stack([column for name, column in predicted(fivestep).items() if name.startswith("prediction")], 1)
    if options is NUMBERS:
        assert prediction == pytest.approx(expected.astype(float), rel=FLOAT32)
    else:
        assert prediction.tolist() == expected.tolist()


@pytest.mark.usefixtures("file")
@pytest.mark.parametrize(
    ("loss", "columns"),
    [
        ("gaussian_nll", ["price_mean", "price_std", "area_mean", "area_std"]),
        ("quantile:levels=(0.1,0.9)", ["price_0.1", "price_0.9", "area_0.1", "area_0.9"]),
    ],
)
def test_a_loss_of_several_outputs_has_them_for_each_target(fivestep: Command, loss: str, columns: list[str]) -> None:
    assert fivestep("train", "houses.csv", *NUMBERS, "--loss", loss, *QUICKLY).code == 0
    assert list(predicted(fivestep)) == [f"prediction_{name}" for name in columns]


def test_several_networks_of_several_targets_predict_the_mean_of_theirs(fivestep: Command, file: pl.DataFrame) -> None:
    """Folds part the rows by each row's targets together; what is measured is that of the mean answers."""
    options = ("--hidden", 4, "--epochs", 3, "--recipe", "standard")
    asked = fivestep("train", "houses.csv", *NUMBERS, *options, "--members", 2, "--bagging", 2, "--out", "run")
    assert asked.code == 0
    assert num_members(Run.load("run").spec) == 4
    columns = predicted(fivestep)
    y, z = file["price", "area"].to_numpy(), np.stack(list(columns.values()), 1).astype(float)
    report = fivestep("evaluate", "run", "houses.csv", "--json").report
    each = root_mean_squared_error(y, z, multioutput="raw_values")
    assert [report["file_rmse_price"], report["file_rmse_area"]] == pytest.approx(each, rel=FLOAT32)


@pytest.mark.usefixtures("file")
@pytest.mark.parametrize(("options", "figure"), [(NUMBERS, "rmse_area"), (QUESTIONS, "accuracy_windy")])
def test_a_sweep_keeps_the_best_network_of_several_targets(
    fivestep: Command, options: tuple[str, ...], figure: str
) -> None:
    space = ("--hidden", "2", "4", "--lr", "0.01", "--epochs", 3, "--recipe", "standard", "--halving", "off")
    found = fivestep("sweep", "houses.csv", *options, *space, "--json").report
    run = found["run"]
    assert Run.load(run).encoder.targets.are_several  # type: ignore[union-attr]
    assert found[f"test_{figure}"] == fivestep("evaluate", run, "--json").report[f"test_{figure}"]
