"""`fivestep predict`: the network's own numbers, row by row, from the files that people have."""

import csv
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

import fivestep as fs
from tests.cli.conftest import Command
from tests.tolerances import FLOAT32


@pytest.fixture
def moons(fivestep: Command, tmp_path: Path) -> fs.Run:
    fivestep("train", "moons", "--epochs", 50)
    return fs.Run.load(tmp_path / "runs" / "moons-1")


def read(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def shares(out: str) -> list[float]:
    """The probability of one class in each row of predictions."""
    return [float(row["probability_lower"]) for row in csv.DictReader(out.splitlines())]


def test_probabilities_are_the_sigmoid_of_the_logits(fivestep: Command, tmp_path: Path, moons: fs.Run) -> None:
    x = fs.load_dataset("moons").test.x
    np.save(tmp_path / "x.npy", x.numpy())
    told = fivestep("predict", moons.path, "x.npy", "-o", "p.csv")
    assert (told.code, told.out, told.err) == (0, "", "The predictions for 1,000 rows are in p.csv\n")
    rows = read(tmp_path / "p.csv")
    got = torch.tensor([float(row["probability_lower"]) for row in rows])
    assert torch.allclose(got, torch.sigmoid(moons.engine.predict(x))[:, 0], atol=1e-6)
    assert {row["prediction"] for row in rows} == {"upper", "lower"}


def test_on_a_screen_it_says_what_was_predicted(
    fivestep: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "t.csv").write_text("a,price\n" + "".join(f"{n % 7},{n}.5\n" for n in range(40)))
    assert fivestep("train", "t.csv", "--target", "price", "--epochs", 1, "--out", "run").code == 0
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    _, out, err = fivestep("predict", "run", "t.csv")
    assert len(out.splitlines()) == 41
    assert err == (
        "Predictions of price for 40 rows; --out FILE writes them, --keep COLUMN puts a column of the file beside "
        "them.\n"
    )


@pytest.mark.parametrize("text", ["0.5,-0.25\n1,2\n", "first,second\n0.5,-0.25\n1,2\n"], ids=["bare", "with header"])
def test_csv_with_and_without_a_header_gives_two_rows(
    fivestep: Command, tmp_path: Path, moons: fs.Run, text: str
) -> None:
    (tmp_path / "x.csv").write_text(text)
    _, out, err = fivestep("predict", moons.path, "x.csv")
    assert err == ""  # nor is said how columns are called that nobody names
    rows = list(csv.DictReader(out.splitlines()))
    expected = torch.sigmoid(moons.engine.predict(torch.tensor([[0.5, -0.25], [1.0, 2.0]])))[:, 0].tolist()
    assert [float(row["probability_lower"]) for row in rows] == pytest.approx(expected, abs=FLOAT32)


def test_regression_predicts_one_number_per_row(fivestep: Command, tmp_path: Path) -> None:
    fivestep("train", "line", "--epochs", 5)
    (tmp_path / "x.csv").write_text("x\n1\n2\n")
    rows = list(csv.DictReader(fivestep("predict", "runs/line-1", "x.csv").out.splitlines()))
    engine = fs.Run.load("runs/line-1").engine
    assert [float(row["prediction"]) for row in rows] == pytest.approx(
        engine.predict(torch.tensor([[1.0], [2.0]]))[:, 0].tolist(), abs=FLOAT32
    )


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("x.csv", b"a,b\n1,x\n", "must hold a finite number in every field, got 'x' in row 1, column 'b'"),
        ("x.csv", b"a,b\n1,\n", "must hold a finite number in every field, got no value in row 1, column 'b'"),
        (
            "x.csv",
            b"a,b\n1,2\n-1e300,3\n",
            "must hold numbers that float32, in which the network computes, can hold, got '-1e300' in row 2, column",
        ),
        ("x.csv", b"a,b\n1,inf\n", "must hold a finite number in every field, got 'inf' in row 1, column 'b'"),
        ("x.csv", b"a,b,c\n1,2,3\n", "must have 2 numbers in each row"),
        ("x.csv", b"", "must hold a table, got an empty file"),
        ("x.csv", b"a,b\n", "must hold rows of values, got only a header"),
        ("x.npy", b"", "must hold a table, got an empty file"),
        ("x.csv", b"a,b\n1,\x00\n", "must hold text, got a byte of 0 in line 2"),
        ("x.npy", b"not an array", "got Python objects or something else, which is not read"),
        ("x.npy", b"\x80\x04cos\nsystem\n", "got Python objects or something else, which is not read"),
        ("x.json", b"[[1, 2]]", "FILE must be a table as text or numbers, got one JSON text"),
    ],
)
def test_file_that_cannot_be_predicted_is_refused_in_one_sentence(
    fivestep: Command, tmp_path: Path, moons: fs.Run, name: str, content: bytes, sentence: str
) -> None:
    (tmp_path / name).write_bytes(content)
    code, out, err = fivestep("predict", moons.path, name, "-o", "p.csv")
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1
    assert not (tmp_path / "p.csv").exists()


def test_file_that_holds_no_numbers_is_refused(fivestep: Command, tmp_path: Path, moons: fs.Run) -> None:
    pl.DataFrame({"a": [1.0], "b": [[2.0]]}).write_parquet(tmp_path / "x.parquet")
    code, _, err = fivestep("predict", moons.path, "x.parquet")
    assert (code, "must hold a finite number in every field, got " in err) == (2, True)


def test_bytes_without_the_scale_of_training_are_refused(fivestep: Command, tmp_path: Path, moons: fs.Run) -> None:
    np.save(tmp_path / "x.npy", np.ones((3, 2), np.uint8))
    code, _, err = fivestep("predict", moons.path, "x.npy")
    assert (code, "on the scale of the training rows, got bytes" in err) == (2, True)


def test_bytes_with_the_scale_of_training_are_scaled(fivestep: Command, tmp_path: Path) -> None:
    images = torch.arange(72).reshape(6, 3, 4).to(torch.uint8)
    x = images.reshape(6, 12)
    data = fs.Dataset(fs.Rows(x, torch.arange(6) / 6, scale=1 / 72))
    run = fs.fit(fs.MLP(12, 4, None), data, fs.TrainPlan(loss="mse", epochs=2, batch_size=None), out="run")
    np.save(tmp_path / "x.npy", images.numpy())
    rows = list(csv.DictReader(fivestep("predict", "run", "x.npy").out.splitlines()))
    expected = run.engine.predict(x / 72)[:, 0].tolist()
    assert [float(row["prediction"]) for row in rows] == pytest.approx(expected, abs=1e-6)


def test_any_table_of_numbers_gives_the_predictions_of_an_array(
    fivestep: Command, tmp_path: Path, moons: fs.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = fs.load_dataset("moons").test.x[:50].numpy()
    np.save(tmp_path / "x.npy", x)
    pl.DataFrame(x, ["a", "b"]).write_parquet(tmp_path / "x.parquet")
    pl.DataFrame(x, ["a", "b"]).write_csv(tmp_path / "x.tsv", separator="\t")
    whole = shares(fivestep("predict", moons.path, "x.npy").out)
    monkeypatch.setattr("fivestep.prediction.rows.ROWS_AT_A_TIME", 7)
    assert whole == pytest.approx(torch.sigmoid(moons.engine.predict(torch.tensor(x)))[:, 0].tolist(), abs=1e-6)
    assert shares(fivestep("predict", moons.path, "x.npy").out) == pytest.approx(whole, abs=1e-6)
    assert shares(fivestep("predict", moons.path, "x.parquet").out) == pytest.approx(whole, abs=1e-6)
    assert shares(fivestep("predict", moons.path, "x.tsv").out) == pytest.approx(whole, abs=1e-6)


def test_rows_in_parts_are_numbered_through(
    fivestep: Command, tmp_path: Path, moons: fs.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.csv").write_text("a,b\n" + "1,2\n" * 9 + "1,inf\n")
    monkeypatch.setattr("fivestep.prediction.rows.ROWS_AT_A_TIME", 4)
    assert "got 'inf' in row 10, column 'b'" in fivestep("predict", moons.path, "x.csv").err


def test_pattern_predicts_the_rows_of_its_files_in_their_order(
    fivestep: Command, tmp_path: Path, moons: fs.Run
) -> None:
    x = fs.load_dataset("moons").test.x[:5].numpy()
    np.save(tmp_path / "all.npy", x)
    np.save(tmp_path / "part-1.npy", x[:2])
    np.save(tmp_path / "part-2.npy", x[2:])
    whole = shares(fivestep("predict", moons.path, "all.npy").out)
    assert shares(fivestep("predict", moons.path, "part-*.npy").out) == pytest.approx(whole, abs=1e-6)


def test_missing_file_is_refused(fivestep: Command, moons: fs.Run) -> None:
    code, _, err = fivestep("predict", moons.path, "nothing.csv")
    assert (code, "FILE must be a file that exists" in err) == (2, True)


def test_output_that_cannot_be_written_is_refused(fivestep: Command, tmp_path: Path, moons: fs.Run) -> None:
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    code, _, err = fivestep("predict", moons.path, "x.csv", "-o", "/proc/nowhere/p.csv")
    assert (code, "--out must be a file that can be written" in err) == (2, True)


def predicted(fivestep: Command, loss: str, y: torch.Tensor) -> tuple[list[dict[str, str]], torch.Tensor]:
    """The rows of a prediction for a network trained on two inputs with that loss, and its logits."""
    x = torch.tensor([[0.5, -0.25], [1.0, 2.0], [-1.0, 0.0]])
    plan = fs.TrainPlan(loss=loss, epochs=3, batch_size=None)
    run = fs.fit(fs.MLP(2, 4, None), fs.Dataset(fs.Rows(x, y)), plan, out="run")
    np.save("x.npy", x.numpy())
    return list(csv.DictReader(fivestep("predict", "run", "x.npy").out.splitlines())), run.engine.predict(x)


def test_hinge_gives_margins_and_no_probabilities(fivestep: Command) -> None:
    rows, logits = predicted(fivestep, "hinge", torch.tensor([0, 1, 1]))
    assert list(rows[0]) == ["prediction", "margin_0", "margin_1"]
    assert [float(row["margin_1"]) for row in rows] == pytest.approx(logits[:, 0].tolist(), abs=FLOAT32)
    assert [row["prediction"] for row in rows] == [str(int(z > 0)) for z in logits[:, 0]]


def test_poisson_predicts_rates(fivestep: Command) -> None:
    rows, logits = predicted(fivestep, "poisson", torch.tensor([0.0, 4.0, 1.0]))
    assert [float(row["prediction"]) for row in rows] == pytest.approx(logits[:, 0].exp().tolist(), rel=FLOAT32)


def test_several_quantiles_are_a_column_each(fivestep: Command) -> None:
    rows, logits = predicted(fivestep, "quantile:levels=(0.1,0.9)", torch.tensor([0.0, 4.0, 1.0]))
    got = [[float(row["prediction_0.1"]), float(row["prediction_0.9"])] for row in rows]
    assert torch.allclose(torch.tensor(got), logits, atol=1e-6)
