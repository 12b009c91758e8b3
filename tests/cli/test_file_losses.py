"""`fivestep train FILE --loss ...`: losses that want another network, or another target, than the usual ones."""

import csv
import json
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss, mean_squared_error

import fivestep as fs
from tests.cli.conftest import Command
from tests.tolerances import FLOAT32

N = 400


def table() -> pl.DataFrame:
    """Something of each kind to predict from three numbers and a word."""
    chance = np.random.default_rng(0)
    x = chance.normal(size=(N, 3))
    score = x[:, 0] + x[:, 1] * x[:, 2] + 0.3 * chance.normal(size=N)
    return pl.DataFrame(
        {
            **{name: x[:, k] for k, name in enumerate("abc")},
            "word": chance.choice(["red", "green", "blue"], N),
            "answer": np.where(score > 0, "yes", "no"),
            "count": chance.poisson(np.exp(0.5 * x[:, 0])),
        }
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    table().write_csv(tmp_path / "t.csv")
    return tmp_path / "t.csv"


ANSWER = ("--target", "answer", "--ignore", "count", "--epochs", 8)


def predicted(text: str) -> dict[str, np.ndarray]:
    rows = list(csv.DictReader(text.splitlines()))
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


@pytest.fixture
def bce(fivestep: Command, file: Path) -> Path:
    arguments = ("--loss", "binary_cross_entropy", "--metric", "auc", "--out", "run")
    assert fivestep("train", file, *ANSWER, *arguments).code == 0
    return file.parent / "run"


def test_two_classes_are_one_question_to_a_loss_for_yes_or_no(bce: Path) -> None:
    run = fs.Run.load(bce)
    assert run.spec.out_features == 1
    assert run.encoder is not None
    assert tuple(run.info["class_names"]) == ("no", "yes")


def test_one_logit_gives_the_losses_and_gradients_of_torch(file: Path, fivestep: Command) -> None:
    given = (*ANSWER[:4], "--epochs", 1, "--batch-size", "full", "--optimizer", "sgd", "--lr", 0.5, "--recipe", "plain")
    assert (
        fivestep("train", file, *given, "--model", "linear", "--loss", "binary_cross_entropy", "--out", "run").code == 0
    )
    run = fs.Run.load("run")
    rows = run.load_data().train
    torch.manual_seed(0)
    begun = fs.make_engine("scratch", run.spec, run.plan)
    module = torch.nn.Linear(rows.x.shape[1], 1)
    module.load_state_dict({name[2:]: w.detach().clone() for name, w in begun.named_parameters().items()})
    loss = torch.nn.BCEWithLogitsLoss()(module(rows.x.float())[:, 0], rows.y.float())
    loss.backward()
    stepped = {name: w - 0.5 * w.grad for name, w in module.named_parameters() if w.grad is not None}
    assert run.history[-1].running_loss == pytest.approx(loss.item(), rel=FLOAT32)
    for name, w in stepped.items():
        torch.testing.assert_close(run.engine.named_parameters()[f"0.{name}"], w, rtol=1e-4, atol=FLOAT32)


def test_its_figures_are_scikit_learns(fivestep: Command, file: Path, bce: Path) -> None:
    found = predicted(fivestep("predict", bce, file).out)
    measured = json.loads(fivestep("evaluate", bce, file, "--json").out)
    y, p = table()["answer"].to_numpy(), found["probability_yes"].astype(float)
    assert list(found) == ["prediction", "probability_no", "probability_yes"]
    assert measured["file_accuracy"] == pytest.approx(accuracy_score(y, found["prediction"]))
    assert 0.6 < measured["file_accuracy"] < 1
    assert brier_score_loss(y == "yes", p) < 0.25
    assert measured["file_auc"] > 0.7


def test_its_loss_is_the_logarithmic_loss(fivestep: Command, file: Path) -> None:
    loss = ("--loss", "binary_cross_entropy:label_smoothing=0")
    assert fivestep("train", file, *ANSWER, *loss, "--out", "run").code == 0
    found = predicted(fivestep("predict", "run", file).out)
    y = table()["answer"].to_numpy() == "yes"
    measured = json.loads(fivestep("evaluate", "run", file, "--json").out)
    assert measured["file_loss"] == pytest.approx(log_loss(y, found["probability_yes"].astype(float)), rel=1e-5)


def test_its_parts_are_read_again_and_measured_alike(fivestep: Command, bce: Path) -> None:
    again = json.loads(fivestep("evaluate", bce, "--json").out)
    rows = fs.Run.load(bce).load_data().valid
    assert rows is not None
    assert again["valid_loss"] == pytest.approx(fs.evaluate(fs.Run.load(bce).engine, rows).loss)


def test_its_baselines_are_those_of_two_classes(fivestep: Command, file: Path) -> None:
    report = json.loads(fivestep("train", file, *ANSWER, "--loss", "binary_cross_entropy", "--json").out)
    assert 0.4 < report["baselines"]["always 'no'"] < 0.7
    assert report["test_accuracy"] > report["baselines"]["always 'no'"]


def test_it_is_exported_with_its_columns_and_runs_alike(fivestep: Command, file: Path, bce: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    assert fivestep("export", bce, "--to", "onnx").code == 0
    session = onnxruntime.InferenceSession((bce / "model.onnx").read_bytes(), providers=["CPUExecutionProvider"])
    kinds = {"tensor(double)": np.float64, "tensor(string)": object}
    frame = table()
    given = {one.name: frame[one.name].to_numpy()[:, None].astype(kinds[one.type]) for one in session.get_inputs()}
    prediction, probabilities = session.run(None, given)
    found = predicted(fivestep("predict", bce, file).out)
    assert (prediction == found["prediction"]).all()
    np.testing.assert_allclose(probabilities[:, 1], found["probability_yes"].astype(float), atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["report", "confusion", "calibration", "curves"])
def test_its_pictures_are_drawn(fivestep: Command, bce: Path, kind: str) -> None:
    assert fivestep("plot", bce, kind).code == 0
    assert any(path.stem == kind for path in bce.iterdir())


def test_classes_are_weighed(fivestep: Command, file: Path) -> None:
    given = (*ANSWER, "--loss", "binary_cross_entropy", "--class-weight")
    even, odd = (
        predicted(fivestep("predict", name, file).out)["probability_yes"].astype(float).mean()
        for name, weights in (("even", (1, 1)), ("odd", (1, 20)))
        if fivestep("train", file, *given, *weights, "--out", name).code == 0
    )
    assert odd > even + 0.1


def test_several_networks_answer_together(fivestep: Command, file: Path) -> None:
    given = ("--loss", "binary_cross_entropy", "--members", 2, "--out", "run")
    assert fivestep("train", file, *ANSWER, *given).code == 0
    found = predicted(fivestep("predict", "run", file).out)
    assert ((found["probability_yes"].astype(float) > 0.5) == (found["prediction"] == "yes")).all()


def test_a_margin_is_no_probability(fivestep: Command, file: Path) -> None:
    assert fivestep("train", file, *ANSWER, "--loss", "hinge", "--out", "run").code == 0
    found = predicted(fivestep("predict", "run", file).out)
    assert list(found) == ["prediction", "margin_no", "margin_yes"]
    assert (found["margin_no"].astype(float) == -found["margin_yes"].astype(float)).all()
    assert (found["prediction"] == table()["answer"].to_numpy()).mean() > 0.6


def test_rates_of_counts_are_in_the_units_of_the_count(fivestep: Command, file: Path) -> None:
    given = ("--target", "count", "--task", "regression", "--ignore", "answer", "--loss", "poisson", "--epochs", 20)
    report = json.loads(fivestep("train", file, *given, "--out", "run", "--json").out)
    rates = predicted(fivestep("predict", "run", file).out)["prediction"].astype(float)
    count = table()["count"].to_numpy()
    measured = json.loads(fivestep("evaluate", "run", file, "--json").out)
    assert (rates > 0).all()
    assert rates.mean() == pytest.approx(count.mean(), rel=0.3)
    assert measured["file_rmse"] == pytest.approx(mean_squared_error(count, rates) ** 0.5, rel=1e-5)
    assert measured["file_loss"] == pytest.approx(float(np.mean(rates - count * np.log(rates))), rel=1e-5)
    assert report["test_rmse"] < report["baselines"]["the mean"]


def test_the_median_of_several_quantiles_is_what_is_measured(fivestep: Command, file: Path) -> None:
    given = ("--target", "a", "--loss", "quantile:levels=(0.1,0.5,0.9)", "--epochs", 5, "--out", "run")
    assert fivestep("train", file, *given).code == 0
    found = predicted(fivestep("predict", "run", file).out)
    measured = json.loads(fivestep("evaluate", "run", file, "--json").out)
    error = found["prediction_0.5"].astype(float) - table()["a"].to_numpy()
    assert measured["file_rmse"] == pytest.approx(float((error**2).mean() ** 0.5), rel=1e-5)


def test_a_mean_and_a_deviation_are_in_the_units_of_the_target(fivestep: Command, file: Path) -> None:
    """What is measured is the mean; the loss is that of the target as it was trained on, (y - mean) / deviation."""
    given = ("--target", "a", "--loss", "gaussian_nll", "--epochs", 5, "--out", "run")
    assert fivestep("train", file, *given).code == 0
    found = predicted(fivestep("predict", "run", file).out)
    measured = json.loads(fivestep("evaluate", "run", file, "--json").out)
    assert list(found) == ["prediction_mean", "prediction_std"]
    mean, std = (column.astype(float) for column in found.values())
    error = (mean - table()["a"].to_numpy()) ** 2
    encoder = fs.Run.load("run").encoder
    assert encoder is not None
    scale = encoder.targets.columns[0].deviation  # type: ignore[union-attr]
    assert measured["file_rmse"] == pytest.approx(float(error.mean() ** 0.5), rel=1e-5)
    assert measured["file_loss"] == pytest.approx(float((np.log(std / scale) + error / std**2 / 2).mean()), rel=1e-4)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ("--target", "word", "--loss", "binary_cross_entropy"),
            "loss must be one for the 3 classes of the target 'word', got 'binary_cross_entropy'; leave it out.",
        ),
        (
            ("--target", "answer", "--loss", "mse"),
            "loss must be one for the 2 classes of the target 'answer', got 'mse'; leave it out.",
        ),
        (
            ("--target", "count", "--loss", "mse"),
            "loss must be one for the 6 classes of the target 'count', got 'mse'; leave it out, or say --task "
            "regression.",
        ),
        (
            ("--target", "a", "--loss", "hinge"),
            "loss must be one that compares numbers, as the target 'a' holds, got 'hinge'; leave it out, or say "
            "--task classification.",
        ),
    ],
)
def test_a_loss_for_another_target_is_refused_with_what_to_do(
    fivestep: Command, file: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    code, out, err = fivestep("train", file, *arguments)
    assert (code, out, err) == (2, "", f"fivestep: {sentence}\n")
    assert os.listdir(file.parent) == ["t.csv"]
