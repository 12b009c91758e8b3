"""`fivestep train FILE`, `evaluate RUN FILE`, `predict RUN FILE`: from a table to predictions."""

import csv
import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from sklearn.datasets import load_digits

from fivestep.cli._table_screen import _sentence
from fivestep.run import Run
from tests.cli.conftest import Command
from tests.real import load_or_skip
from tests.table.test_read import BROKEN
from tests.tolerances import FLOAT32

N = 300


def houses() -> pl.DataFrame:
    """A price that a network can learn, from columns of every kind, some values missing."""
    chance = np.random.default_rng(1)
    size, town = chance.normal(120, 30, N).round(), chance.integers(0, 15, N)
    frame = pl.DataFrame(
        {
            "id": np.arange(N) + 1000,
            "size": size,
            "town": [f"town {k}" for k in town],
            "garden": chance.choice(["yes", "no"], N),
            "built": [f"{1950 + k % 70}-05-01" for k in range(N)],
            "country": ["here"] * N,
            "price": 1.5 * size + 10.0 * town,
        }
    )
    return frame.with_columns(pl.when(pl.int_range(N) % 13 == 0).then(None).otherwise("size").alias("size"))


@pytest.fixture
def run(fivestep: Command, tmp_path: Path) -> Path:
    houses().write_csv(tmp_path / "houses.csv")
    assert fivestep("train", "houses.csv", "--target", "price", "--epochs", 20, "--out", "run").code == 0
    return tmp_path / "run"


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def predictions(text: str) -> list[float]:
    return [float(row["prediction"]) for row in rows(text)]


def test_training_on_a_file_shows_what_its_columns_are_taken_for(fivestep: Command, tmp_path: Path) -> None:
    houses().write_csv(tmp_path / "houses.csv")
    out = fivestep("train", "houses.csv", "--target", "price", "--epochs", 20).out
    assert [line.split()[:2] for line in out.splitlines()[1:8]] == [
        ["price", "target"],
        ["id", "identifier,"],
        ["size", "number"],
        ["town", "category"],
        ["garden", "yes/no"],
        ["built", "date"],
        ["country", "constant,"],
    ]
    assert "Rows: 192 to train, 48 to validate, 60 to test" in out
    assert "root mean squared error of price (lower is better)" in out
    assert "The run is in runs/houses-1" in out


@pytest.mark.usefixtures("curves")
def test_a_network_beats_the_mean_and_says_so(fivestep: Command, tmp_path: Path) -> None:
    houses().write_csv(tmp_path / "houses.csv")
    report = fivestep("train", "houses.csv", "--target", "price", "--json").report
    assert report["test_rmse"] < report["baselines"]["the mean"] / 2
    assert report["test_rmse"] > 0


@pytest.mark.parametrize(
    ("settings", "start", "end"),
    [
        ((), "The network beats the mean", "The run is in runs/t-1\n"),
        (
            ("--model", "linear", "--init", "zeros", "--lr", 1e-9),
            "The network beats neither the mean nor",
            "To see why: fivestep diagnose runs/t-1\n",
        ),
    ],
)
def test_of_a_table_the_verdict_alone_says_whether_anything_was_learned(
    fivestep: Command, tmp_path: Path, settings: tuple[object, ...], start: str, end: str
) -> None:
    houses().write_csv(tmp_path / "t.csv")
    out = fivestep("train", "t.csv", "--target", "price", "--epochs", 30, *settings).out
    assert "It has learned nothing" not in out
    assert f"\n{start}" in out
    assert [line for line in out.splitlines(keepends=True) if line.endswith(end)] != []


@pytest.mark.usefixtures("curves")
@pytest.mark.parametrize("says_something", [True, False])
def test_where_a_class_is_never_the_most_probable_one_the_loss_is_looked_at(
    fivestep: Command, tmp_path: Path, says_something: bool
) -> None:
    """One row in fifty is returned where `new` is no, two in five where it is yes: the best answer is always no."""
    number = np.arange(600)
    new, late = number % 4 == 0, np.where(number % 4 == 0, number % 20 < 8, number % 50 == 1)
    shown = new if says_something else number % 3 == 0
    words = {"new": np.where(shown, "yes", "no"), "weight": number % 7, "late": np.where(late, "yes", "no")}
    pl.DataFrame(words).write_csv(tmp_path / "t.csv")
    out = fivestep("train", "t.csv", "--target", "late", "--model", "linear", "--epochs", 60, "--lr", 0.05).out
    assert "beats neither always 'no' nor a linear model" in out
    assert ("Yet its probabilities tell rows apart" in out) == says_something
    assert ("training needs other settings" in out) != says_something


def test_less_than_a_hundredth_is_a_tie_and_wrong_answers_count_by_themselves() -> None:
    neither = "The network beats neither the mean nor a linear model: the columns may not tell the target, or training "
    errors = {"the mean": 1.0, "a linear model": 0.95}
    assert _sentence(0.995, errors, -1, " Why?") == f"{neither}needs other settings. Why?"
    assert _sentence(0.97, errors, -1, "") == "The network beats the mean, but not a linear model."
    assert _sentence(0.90, errors, -1, "") == "The network beats the mean and a linear model."
    shares = {"always 'no'": 0.97, "a linear model": 0.99}
    assert _sentence(0.975, shares, 1, "") == "The network beats always 'no', but not a linear model."
    assert _sentence(0.9905, shares, 1, "") == "The network beats always 'no' and a linear model."


def test_the_verdict_has_accuracies_with_four_decimals_as_the_table_above_it(fivestep: Command, tmp_path: Path) -> None:
    lines = (f"{k % 10},{'no' if k % 10 < 5 else 'yes'}" for k in range(200))
    (tmp_path / "t.csv").write_text("\n".join(["a,y", *lines]), encoding="utf-8")
    out = fivestep("train", "t.csv", "--target", "y", "--epochs", "2").out
    assert re.search(r"^network +[01]\.\d{4}\nalways '\w+' +0\.5000\na linear model +[01]\.\d{4}$", out, re.MULTILINE)


def test_predictions_are_in_the_units_of_the_target_beside_the_identifier(fivestep: Command, run: Path) -> None:
    (run.parent / "new.csv").write_bytes((run.parent / "houses.csv").read_bytes())
    out = rows(fivestep("predict", run, "new.csv").out)
    assert list(out[0]) == ["id", "prediction"]
    assert [int(row["id"]) for row in out] == houses()["id"].to_list()
    error = np.array([float(row["prediction"]) for row in out]) - houses()["price"].to_numpy()
    rmse = fivestep("evaluate", run, "houses.csv", "--json").report["file_rmse"]
    assert (error**2).mean() ** 0.5 == pytest.approx(rmse, rel=1e-5)


def test_predictions_of_a_row_do_not_depend_on_the_others(
    fivestep: Command, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = predictions(fivestep("predict", run, "houses.csv").out)
    houses().head(3).select(reversed(houses().columns)).write_csv(run.parent / "few.csv")
    assert predictions(fivestep("predict", run, "few.csv").out) == pytest.approx(whole[:3], rel=FLOAT32)
    monkeypatch.setattr("fivestep.prediction.rows.ROWS_AT_A_TIME", 7)
    assert predictions(fivestep("predict", run, "houses.csv").out) == pytest.approx(whole, rel=FLOAT32)


@pytest.mark.parametrize("suffix", [".parquet", ".arrow", ".jsonl"])
def test_predictions_are_the_same_from_every_format(fivestep: Command, run: Path, suffix: str) -> None:
    write = {".parquet": "write_parquet", ".arrow": "write_ipc", ".jsonl": "write_ndjson"}[suffix]
    getattr(houses(), write)(run.parent / f"new{suffix}")
    assert fivestep("predict", run, f"new{suffix}").out == fivestep("predict", run, "houses.csv").out


def test_classes_come_with_their_probabilities_and_kept_columns(fivestep: Command, tmp_path: Path) -> None:
    frame = houses().with_columns(dear=pl.when(pl.col("price") > 250).then(pl.lit("high")).otherwise(pl.lit("low")))
    frame.drop("price").write_csv(tmp_path / "t.csv")
    assert fivestep("train", "t.csv", "--target", "dear", "--class-weight", "balanced", "--epochs", 20).code == 0
    assert fivestep("predict", "runs/t-1", "t.csv", "-o", "p.csv", "--keep", "town", "id").code == 0
    found = rows((tmp_path / "p.csv").read_text())
    assert list(found[0]) == ["town", "id", "prediction", "probability_high", "probability_low"]
    assert all(float(row["probability_high"]) + float(row["probability_low"]) == pytest.approx(1) for row in found)
    likelier = ["high" if float(row["probability_high"]) > 0.5 else "low" for row in found]
    assert [row["prediction"] for row in found] == likelier


def test_what_the_table_lacks_is_named_and_what_is_new_is_a_warning(fivestep: Command, run: Path) -> None:
    houses().drop("town").write_csv(run.parent / "less.csv")
    code, out, err = fivestep("predict", run, "less.csv", "-o", "p.csv")
    assert (code, out) == (2, "")
    assert "the table must have the column 'town', on which the network was trained" in err
    assert not (run.parent / "p.csv").exists()
    houses().with_columns(roof=pl.lit("flat")).write_csv(run.parent / "more.csv")
    with pytest.warns(UserWarning, match="was not trained on the column 'roof'"):
        assert fivestep("predict", run, "more.csv").code == 0


def test_one_row_is_evaluated_without_r2(fivestep: Command, run: Path) -> None:
    houses().head(1).write_csv(run.parent / "one.csv")
    found = fivestep("evaluate", run, "one.csv", "--json").report
    assert "file_rmse" in found
    assert "file_r2" not in found


def test_evaluating_on_a_file_that_lacks_a_column_names_it(fivestep: Command, run: Path) -> None:
    houses().drop("town").write_csv(run.parent / "less.csv")
    code, out, err = fivestep("evaluate", run, "less.csv")
    assert (code, out) == (2, "")
    assert "must have the column 'town', on which the network was trained" in err


@pytest.mark.parametrize(
    ("out", "sentence"),
    [
        ("houses.csv", "--out must be another file than the one to read, got 'houses.csv'; choose another name."),
        ("p.parquet", "--out must be a CSV file, got 'p.parquet'; write p.csv."),
        ("p.csv.gz", "--out must be a CSV file, got 'p.csv.gz'; write p.csv."),
    ],
)
def test_predictions_go_to_no_file_that_is_read_or_called_otherwise(
    fivestep: Command, run: Path, out: str, sentence: str
) -> None:
    before = Path("houses.csv").read_bytes()
    code, _, err = fivestep("predict", run, "houses.csv", "-o", out)
    assert (code, err.strip()) == (2, f"fivestep: {sentence}")
    assert Path("houses.csv").read_bytes() == before


def test_towns_that_training_never_saw_are_predicted_all_alike(fivestep: Command, run: Path) -> None:
    other = houses().head(2).with_columns(town=pl.Series(["Atlantis", "El Dorado"]), size=pl.lit(100.0))
    same = other.with_columns(pl.lit("2000-05-01").alias("built"), pl.lit("no").alias("garden"))
    same.write_csv(run.parent / "new.csv")
    with pytest.warns(UserWarning, match="2 of 2 rows have a 'town' that training never saw, or hardly"):
        first, second = predictions(fivestep("predict", run, "new.csv").out)
    assert first == pytest.approx(second, rel=FLOAT32)


def test_a_value_that_cannot_be_read_is_named_and_nothing_is_written(fivestep: Command, run: Path) -> None:
    spoilt = houses().with_columns(pl.col("size").cast(pl.String))
    spoilt = spoilt.with_columns(size=pl.when(pl.int_range(N) == 250).then(pl.lit("big")).otherwise("size"))
    spoilt.write_csv(run.parent / "new.csv")
    code, out, err = fivestep("predict", run, "new.csv", "-o", "p.csv")
    assert (code, out) == (2, "")
    expected = "numbers, such as 1234.5, got 'big' in row 251; fix it, or leave the row out.\n"
    assert err == f"fivestep: column 'size' must hold {expected}"
    assert not list(run.parent.glob("p.csv*"))


def test_a_named_task_takes_raw_numbers(fivestep: Command, tmp_path: Path) -> None:
    from sklearn.datasets import load_iris

    fivestep("train", "iris", "--epochs", 30)
    iris = load_iris()
    frame = pl.DataFrame(iris.data, schema=list(iris.feature_names))
    frame.with_columns(kind=pl.Series(iris.target_names[iris.target].tolist())).write_csv(tmp_path / "iris.csv")
    found = rows(fivestep("predict", "runs/iris-1", "iris.csv").out)
    right = [row["prediction"] == iris.target_names[kind] for row, kind in zip(found, iris.target, strict=True)]
    measured = fivestep("evaluate", "runs/iris-1", "iris.csv", "--json").report
    assert np.mean(right) == pytest.approx(measured["file_accuracy"])
    assert np.mean(right) > 0.9


def test_what_is_said_to_be_missing_is_so_in_training_evaluation_and_prediction(
    fivestep: Command, tmp_path: Path
) -> None:
    """The run is the one on a file that leaves these places empty, to the last digit."""
    word = pl.when(pl.col("size").is_null()).then(pl.lit("unknown")).otherwise(pl.col("size").cast(pl.String))
    told = houses().with_columns(word.alias("size"), pl.col("garden").replace("no", "-"))
    told.write_csv(tmp_path / "told.csv")
    houses().with_columns(pl.col("garden").replace("no", None)).write_csv(tmp_path / "empty.csv")
    refused = fivestep("train", "told.csv", "--target", "price")
    assert "got 'unknown' in row 1; fix it, count it as missing, make the column categorical, or ign" in refused.err
    with_word = ("--missing", "unknown", "--missing=-", "--out", "told")
    assert fivestep("train", "told.csv", "--target", "price", "--epochs", 3, *with_word).code == 0
    assert fivestep("train", "empty.csv", "--target", "price", "--epochs", 3, "--out", "empty").code == 0
    for command in ("evaluate", "predict"):
        found = [fivestep(command, name, f"{name}.csv").out for name in ("told", "empty")]
        assert found[0] == found[1] != ""


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("houses.csv",), "--target must name the column of houses.csv to predict, got none"),
        (("moons", "--target", "price"), "--target must be used with a file, got the task 'moons'"),
        (
            ("house", "--target", "price"),
            "must be a task or a file that there is, got 'house'; did you mean 'houses.csv'?",
        ),
        (("huoses",), "must be a task or a file that there is, got 'huoses'; did you mean 'houses.csv'?"),
        (("moon", "--target", "price"), "and of a file, write the ending too, such as moon.csv."),
        (
            ("houses.csv", "--target", "price", "--hidden", "8", "0"),
            "--hidden must be a whole number of at least 1, got 0",
        ),
        (("houses", "--target", "price"), "must end in what it holds, got 'houses'; name it houses.csv"),
        (("nothing.csv", "--target", "price"), "FILE must be a file that exists"),
        (("houses.csv", "--target", "prise"), "did you mean 'price'?"),
        (("houses.csv", "--target", "price", "--categorical", "sise"), "did you mean 'size'?"),
        (("houses.csv", "--target", "price", "--model", "tree"), "model for a file must be one of mlp, linear"),
        (("moons", "--valid", "houses.csv"), "--valid must be a share or a number of the rows of task 'moons'"),
    ],
)
def test_what_cannot_be_trained_is_refused_and_leaves_no_folder(
    fivestep: Command, tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    houses().write_csv(tmp_path / "houses.csv")
    houses().write_csv(tmp_path / "houses")
    code, out, err = fivestep("train", *arguments)
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("name", "content", "sentence"), BROKEN, ids=[f"{k}-{case[0]}" for k, case in enumerate(BROKEN)]
)
def test_a_broken_file_is_refused_by_train_and_predict_and_leaves_nothing(
    fivestep: Command, tmp_path: Path, name: str, content: bytes, sentence: str
) -> None:
    (tmp_path / name).write_bytes(content)
    code, out, err = fivestep("train", name, "--target", "a")
    assert (code, out) == (2, "")
    assert re.search(sentence.removeprefix("^"), err)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_run_whose_encoder_was_tampered_with_is_refused_in_one_sentence(fivestep: Command, run: Path) -> None:
    model = run / "model.safetensors"
    content = model.read_bytes()
    assert b"can_be_missing" in content
    model.write_bytes(content.replace(b"can_be_missing", b"can_be_misstng"))
    code, out, err = fivestep("predict", run, "houses.csv")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert f"{model.name} must be as fivestep wrote it, got other bytes" in err


def test_evaluating_a_run_reads_its_file_again_in_the_same_parts(fivestep: Command, tmp_path: Path) -> None:
    houses().write_csv(tmp_path / "houses.csv")
    report = fivestep("train", "houses.csv", "--target", "price", "--epochs", 5, "--json").report
    measured = fivestep("evaluate", "runs/houses-1", "--json").report
    assert {key: report[key] for key in ("train_loss", "valid_rmse", "test_rmse", "test_r2")} == {
        key: measured[key] for key in ("train_loss", "valid_rmse", "test_rmse", "test_r2")
    }


@pytest.mark.parametrize("command", [["diagnose"], ["train", "--resume"]], ids=["diagnose", "resume"])
def test_the_file_of_a_run_may_lie_in_another_folder(fivestep: Command, run: Path, command: list[str]) -> None:
    (run.parent / "archive").mkdir()
    (run.parent / "houses.csv").rename(run.parent / "archive" / "houses.csv")
    code, _, err = fivestep(*command, "run")
    assert (code, err.count("\n")) == (2, 1)
    assert "put it back there, name the folder where it is now with --data-dir, or" in err
    assert fivestep(*command, "run", "--data-dir", "archive").code == 0


def test_a_folder_of_files_is_ignored_where_a_file_is_named(fivestep: Command, run: Path) -> None:
    with pytest.warns(UserWarning, match="--data-dir is ignored, as FILE says where it is"):
        fivestep("train", "houses.csv", "--target", "price", "--epochs", 1, "--data-dir", run.parent)


def test_evaluating_on_a_file_without_the_target_is_refused(fivestep: Command, run: Path) -> None:
    houses().drop("price").write_csv(run.parent / "new.csv")
    code, _, err = fivestep("evaluate", run, "new.csv")
    assert (code, "must have the target as its column 'price'" in err) == (2, True)


def write_images(path: Path, x: "np.ndarray", y: "np.ndarray") -> None:
    """As such files usually are: a label, and a column of whole numbers for each pixel."""
    pl.DataFrame({"label": y, **{f"pixel{k}": x[:, k].astype(int) for k in range(x.shape[1])}}).write_csv(path)


IMAGES = ("--target", "label", "--recipe", "image", "--augment", "shift_and_flip:flip=0", "--hidden", 256)


@pytest.mark.parametrize("stream", [(), ("--stream",)])
def test_a_file_of_real_images_is_trained_as_images(fivestep: Command, tmp_path: Path, stream: tuple[str, ...]) -> None:
    """scikit-learn's digits, three of whose 64 pixels are 0 in every image: all are there, on one scale."""
    write_images(tmp_path / "digits.csv", *load_digits(return_X_y=True))
    report = fivestep("train", "digits.csv", *IMAGES, *stream, "--epochs", 40, "--out", "r", "--json").report
    assert report["test_accuracy"] > 0.9
    run = Run.load(tmp_path / "r")
    assert run.encoder is not None
    x = run.encoder.encode(pl.read_csv(tmp_path / "digits.csv"))
    assert torch.equal(x, torch.from_numpy(load_digits().data / 16).float())
    mean, deviation = (run.spec.layers[1].options[name] for name in ("mean", "std"))
    assert (mean, deviation) == pytest.approx((x.mean().item(), x.std().item()), rel=0.02)  # of the training part


@pytest.mark.slow
def test_fashion_mnist_from_a_file_is_trained_as_images(fivestep: Command, tmp_path: Path) -> None:
    rows = load_or_skip("fashion-mnist").train
    write_images(tmp_path / "clothes.csv", rows.stored[:6000].flatten(1).numpy(), rows.y[:6000].numpy())
    report = fivestep("train", "clothes.csv", *IMAGES, "--epochs", 10, "--out", "r", "--json").report
    assert report["test_accuracy"] > 0.8
    encoder = Run.load(tmp_path / "r").encoder
    assert encoder is not None
    assert torch.equal(encoder.scale, torch.full((784,), 1 / 255, dtype=torch.float64))


@pytest.mark.parametrize(
    ("column", "came"),
    [
        (["a", "b", "c"] * 60, r"\(category\); leave it out by --ignore p8, or"),
        (list(range(180)), r"\(identifier\); leave it out by --ignore p8, or"),
        ([None, *[0, 16] * 89, 3], r"\(numbers, with gaps\); fill the gaps, or"),
    ],
)
@pytest.mark.parametrize("stream", [(), ("--stream", "--valid", 1, "--test", 1)])
def test_a_column_that_is_no_pixel_is_refused(
    fivestep: Command, tmp_path: Path, column: list[Any], came: str, stream: tuple[Any, ...]
) -> None:
    pixels = {f"p{k}": [(k * row) % 7 for row in range(180)] for k in range(8)}
    pl.DataFrame({**pixels, "p8": column, "y": [k % 2 for k in range(180)]}).write_csv(tmp_path / "t.csv")
    code, out, err = fivestep("train", "t.csv", "--target", "y", "--recipe", "image", *stream)
    assert (code, out) == (2, "")
    sentence = rf"fivestep: the columns of a table for recipe 'image' must be pixels, .*, got 'p8' {came} use .*\n"
    assert re.fullmatch(sentence, err)


def test_pixels_that_are_no_square_say_their_height(fivestep: Command, tmp_path: Path) -> None:
    x, y = load_digits(return_X_y=True)
    write_images(tmp_path / "digits.csv", x[:100, 8:], y[:100])
    given = ("train", "digits.csv", "--target", "label", "--recipe", "image", "--epochs", 1, "--hidden", 4)
    code, _, err = fivestep(*given, "--augment", "shift_and_flip")
    assert (code, "height x width pixels, got rows of shape (56,)" in err) == (2, True)
    assert fivestep(*given, "--augment", "shift_and_flip:height=7,width=8").code == 0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--dropout", 2), "dropout must be a number in [0, 1), got 2.0"),
        (("--optimizer", "adam:betas=(0.9,2)"), "beta2 must be a number in [0, 1), got 2"),
        (("--schedule", "step:every=-3"), "every must be a whole number of steps, or a share of all steps"),
        (("--loss", "huber:delta=-1"), "delta must be a finite number greater than 0, got -1"),
        (("--activation", "elu:alpha=-1"), "alpha must be a finite number greater than 0, got -1"),
        (("--init", "normal:std=-1"), "std must be a finite number greater than 0, got -1"),
        (("--metric", "acuracy"), "got 'acuracy'; did you mean 'accuracy'?"),
        (("--lr", -1), "lr must be a finite number greater than 0, got -1.0"),
        (("--gated",), "got 'gated'; leave it out, or use model 'feed-forward'"),
        (("--engine", "fast"), "engine must be one of auto, autograd, fused, nn, scratch, got 'fast'"),
        (("--device", "tpu"), "device must be one of auto, cpu, cuda, mps, got 'tpu'"),
        (("--dtype", "float16"), "dtype must be one of float32, float64, got 'float16'"),
        (("--precision", "half"), "precision must be one of tf32, bfloat16, got 'half'"),
        (("--track", "nowhere"), "tracker must be one of mlflow, tensorboard, wandb, got 'nowhere'"),
        (("--out", "full"), "out must be a folder that is new or empty, got 'full'"),
        (("--test", 0), "--test must be a share in (0, 1), a number of rows, or a file, got 0.0"),
        (("--valid", 2.5), "--valid must be a share in (0, 1), a number of rows, or a file, got 2.5"),
    ],
    ids=lambda given: str(given[0]) if isinstance(given, tuple) else "",
)
def test_what_cannot_work_with_any_file_is_refused_before_it_is_read(
    fivestep: Command, tmp_path: Path, options: tuple[object, ...], sentence: str
) -> None:
    """The file does not exist: it would be the reason if it were opened."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "something").touch()
    refused = fivestep("train", "nowhere.csv", "--target", "price", *options)
    assert refused.code == 2
    assert sentence in refused.err


@pytest.mark.parametrize(
    "options", [("--metric", "rmse"), ("--metric", "auc"), ("--temperature-scaling",), ()], ids=str
)
def test_what_works_with_some_files_waits_for_the_file(fivestep: Command, options: tuple[object, ...]) -> None:
    refused = fivestep("train", "nowhere.csv", "--target", "price", *options)
    assert refused.code == 2
    assert "nowhere.csv" in refused.err
