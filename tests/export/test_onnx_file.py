"""ONNX: another program takes the raw columns and gives the same predictions."""

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import polars as pl
import pytest
import torch

import fivestep as fs
from fivestep.check import InputError
from fivestep.engines._engine import Engine
from fivestep.export._layers import CONVERTERS
from fivestep.export.onnx_file import to_onnx
from fivestep.find import Choice, names
from fivestep.net import NetSpec
from fivestep.table.columns import DateColumn, LevelColumn
from fivestep.table.dates import dates
from fivestep.table.encoder import Encoder
from fivestep.table.kinds import kinds_of
from fivestep.table.target import ClassTarget, NumberTarget, fit_target
from fivestep.table.targets import TargetColumns
from fivestep.table.values import missing, numbers, texts
from tests.contracts.cases import Item, over
from tests.contracts.combinations import reference
from tests.datasets.test_table import table
from tests.samples import small_engine
from tests.tolerances import ONNX, distance

N = 200
EPOCH = datetime.datetime(1970, 1, 1)
LOSSES = [
    "mse",
    "poisson",
    "quantile:levels=(0.1,0.9)",
    "gaussian_nll",
    "cross_entropy",
    "binary_cross_entropy",
    "hinge",
]


def run_model(engine: Engine, inputs: dict[str, np.ndarray], *more: Any) -> list[np.ndarray]:
    """What onnxruntime makes of the inputs."""
    session = ort.InferenceSession(to_onnx(engine, *more).SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, inputs)


def columns_for(encoder: Encoder, frame: pl.DataFrame) -> dict[str, np.ndarray]:
    """The raw columns of a frame as someone with the file would give them."""
    given: dict[str, np.ndarray] = {}
    for column in encoder.columns:
        values = frame[column.name]
        if isinstance(column, DateColumn):
            seconds = (dates(values, column.date_format) - EPOCH).dt.total_seconds()
            array = seconds.cast(pl.Float64).to_numpy()
        elif isinstance(column, LevelColumn) and not column.holds_numbers:
            array = np.array(texts(values).fill_null("").to_list(), dtype=object)
        else:
            array = numbers(values, getattr(column, "number_format", ("", "."))).to_numpy()
        given[column.name] = array[:, None]
    return given


def everything() -> pl.DataFrame:
    """A table with every kind of column, missing values in all of them, and numbers out of all bounds."""
    chance = np.random.default_rng(0)
    columns: dict[str, list[Any]] = {
        "size": [*chance.normal(40, 10, N - 2).tolist(), 1e300, -1e12],
        "sex": chance.choice(["f", "m"], N).tolist(),
        "yes": chance.choice([0, 1], N).tolist(),
        "color": chance.choice(["red", "green", "blue"], N).tolist(),
        "grade": chance.choice([1, 2, 3], N).tolist(),
        "town": [f"town {k % 12}" for k in range(N)],
        "code": [k % 11 for k in range(N)],
        "day": [f"{1890 + 3 * k % 190}-{k % 12 + 1:02d}-{k % 28 + 1:02d} {k % 24:02d}:30" for k in range(N)],
    }
    for k, name in enumerate(columns):
        columns[name][5 * k] = None
    return pl.DataFrame(columns, strict=False)


def fitted(target: pl.Series | None = None) -> Encoder:
    frame = everything()
    kinds = kinds_of(frame, categorical=["grade", "code", "town"])
    return Encoder.fit(frame, kinds, TargetColumns(() if target is None else (fit_target(target),)))


def network(encoder: Encoder, num_outputs: int, loss: str) -> Engine:
    spec = fs.MLP(encoder.in_features - len(encoder.num_codes) * (1 - 8), 16, num_outputs, activation="mish")
    columns = Choice("embed_columns", num_embeddings=encoder.num_codes)
    layers = (columns, *spec.layers)
    return small_engine(
        "nn", fs.TrainPlan(loss=loss), NetSpec(layers, encoder.in_features, num_outputs), dtype="float32"
    )


def test_every_column_is_encoded_as_in_training_row_by_row() -> None:
    """A network that hands on what it is given shows the rows themselves."""
    encoder, frame = fitted(), everything()
    spec = fs.LinearRegression(encoder.in_features, encoder.in_features)
    engine = small_engine("scratch", fs.TrainPlan(loss="mse"), spec, dtype="float32")
    engine.load_weights({"0.weight": torch.eye(encoder.in_features), "0.bias": torch.zeros(encoder.in_features)})
    strange = frame.head(4).with_columns(
        sex=pl.lit("x"),
        color=pl.lit("violet"),
        town=pl.lit("Atlantis"),
        grade=pl.lit(9),
        code=pl.lit(77),
        yes=pl.lit(2),
    )
    frame = pl.concat([frame, strange], how="vertical_relaxed")
    (got,) = run_model(engine, columns_for(encoder, frame), encoder)
    expected = encoder.encode(frame)
    assert len(encoder.num_codes) == 2
    assert all(missing(frame[name]).any() for name in frame.columns)
    assert distance(torch.from_numpy(got), expected) < ONNX


@pytest.mark.parametrize("loss", LOSSES)
def test_predictions_are_those_of_the_run(loss: str) -> None:
    num_outputs = {"cross_entropy": 3, "quantile:levels=(0.1,0.9)": 2, "gaussian_nll": 2}.get(loss, 1)
    encoder, frame = fitted(), everything()
    engine = network(encoder, num_outputs, loss)
    logits = engine.predict(encoder.encode(frame))
    expected = engine.criterion.predicted(logits)
    outputs = run_model(engine, columns_for(encoder, frame), encoder, ["a", "b", "c"][: max(2, num_outputs)])
    if engine.criterion.target == "numbers":
        assert distance(torch.from_numpy(outputs[0]), expected) < ONNX
        return
    if num_outputs == 1:
        expected = torch.cat([-expected if loss == "hinge" else 1 - expected, expected], 1)
    assert distance(torch.from_numpy(outputs[1]), expected) < ONNX
    assert outputs[0].tolist() == ["abc"[k] for k in expected.argmax(1)]


def test_numbers_come_in_the_units_of_the_target() -> None:
    price = pl.Series("price", np.random.default_rng(1).normal(1e5, 2e4, N))
    encoder, frame = fitted(price), everything()
    engine = network(encoder, 1, "mse")
    assert isinstance(encoder.targets.columns[0], NumberTarget)
    expected = encoder.targets.columns[0].decode(engine.predict(encoder.encode(frame)))
    (got,) = run_model(engine, columns_for(encoder, frame), encoder)
    assert got.dtype == np.float64
    assert distance(torch.from_numpy(got), expected) < ONNX


@over("layers", "activations")
def test_every_layer_gives_the_same_numbers(item: Item) -> None:
    """Each item of the folders between two linear layers, or in its own network; one without a converter is refused."""
    alone = item.case.layers
    middle = (Choice("linear", out_features=5), item.choice, Choice("linear"))
    spec = NetSpec(alone or middle, 6, 4, init="kaiming")
    engine = small_engine("scratch", reference().plan(), spec, dtype="float32")
    engine.params.buffers.add_(0.5)
    draw = item.case.draw if alone else lambda shape, stream: torch.randn(shape, generator=stream)
    x = draw((7, 6), torch.Generator().manual_seed(0)).float()
    if item.name not in CONVERTERS:
        with pytest.raises(InputError, match=f"must consist of layers known to ONNX, got '{item.name}'"):
            run_model(engine, {"x": x.numpy()})
        return
    (got,) = run_model(engine, {"x": x.numpy()})
    assert distance(torch.from_numpy(got), engine.predict(x)) < ONNX


def test_every_converter_is_of_a_layer() -> None:
    assert set(CONVERTERS) <= {*names("layers"), *names("activations")}


def test_a_run_of_a_file_is_exported_whole(tmp_path: Path) -> None:
    from fivestep.cli._app import run

    table().drop("price").write_csv(tmp_path / "t.csv")
    out = str(tmp_path / "run")
    assert run(["train", str(tmp_path / "t.csv"), "--target", "kind", "--epochs", "5", "--out", out]) == 0
    assert run(["export", out, "--to", "onnx"]) == 0
    trained = fs.Run.load(out, device="cpu")
    encoder = trained.encoder
    assert encoder is not None
    assert isinstance(encoder.targets.columns[0], ClassTarget)
    session = ort.InferenceSession(tmp_path / "run" / "model.onnx", providers=["CPUExecutionProvider"])
    prediction, probabilities = session.run(None, columns_for(encoder, table()))
    expected = trained.engine.predict(encoder.encode(table())).softmax(1)
    assert distance(torch.from_numpy(probabilities), expected) < ONNX
    assert prediction.tolist() == [encoder.targets.columns[0].classes[k] for k in expected.argmax(1)]


def test_without_the_extra_the_command_to_install_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(InputError, match=r"the extra 'onnx' must be installed .*; run pip install 'fivestep\[onnx\]'"):
        to_onnx(small_engine("scratch"))
