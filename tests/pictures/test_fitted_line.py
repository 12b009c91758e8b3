"""The picture: fitted line."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fivestep.check import InputError
from fivestep.datasets._table import TableSource, load_table
from fivestep.net import LinearRegression
from fivestep.pictures._base import Subject
from fivestep.plan import TrainPlan
from fivestep.train import train
from tests.pictures.conftest import draw
from tests.plots.drawn import labels, legend, lines
from tests.samples import small_engine


def test_the_learned_line_has_the_learned_slope(line: Subject) -> None:
    axes, weights = draw(line, "fitted-line").axes[0], line.engine.named_parameters()
    (x0, y0), *_, (x1, y1) = lines(axes)["learned"].tolist()
    assert (y1 - y0) / (x1 - x0) == pytest.approx(weights["0.weight"].item())
    assert y0 == pytest.approx(weights["0.bias"].item() + weights["0.weight"].item() * x0)


def test_the_known_lines_are_drawn_beside_it(line: Subject) -> None:
    axes = draw(line, "fitted-line").axes[0]
    assert legend(axes) == ["10 rows", "learned", "true", "least squares"]
    (x0, y0), *_ = lines(axes)["true"].tolist()
    assert y0 == pytest.approx(2 * x0 + 1)


def test_of_a_table_it_is_in_the_units_of_the_columns(tmp_path: Path) -> None:
    area = np.linspace(50, 150, 100)
    pl.DataFrame({"area": area, "price": 1000 * area}).write_csv(tmp_path / "t.csv")
    data = load_table(TableSource(tmp_path / "t.csv", "price"), seed=0).data
    plan = TrainPlan(loss="mse", optimizer="adam", lr=0.05, batch_size=None, epochs=200)
    engine = small_engine("scratch", plan, plan.sized(LinearRegression(None, None), data))
    history = tuple(train(engine, data, plan, every=200))
    axes = draw(Subject(engine, data, history, "runs/t-1"), "fitted-line").axes[0]
    assert labels(axes) == ("area", "price")
    x, y = np.asarray(axes.collections[0].get_offsets()).T
    assert y == pytest.approx(1000 * x)
    at, learned = lines(axes)["learned"].T
    assert learned == pytest.approx(1000 * at, rel=0.1)  # the clip bends the line a little
    assert (at[0] < 50, at[-1] > 150) == (True, True)


@pytest.mark.parametrize(
    ("loss", "name"),
    [("gaussian_nll", "two standard deviations"), ("quantile:levels=(0.1,0.5,0.9)", "0.1 to 0.9")],
)
def test_several_numbers_for_a_target_are_a_band(line: Subject, loss: str, name: str) -> None:
    plan = TrainPlan(loss=loss, lr=0.01, batch_size=None)
    engine = small_engine("scratch", plan, plan.sized(LinearRegression(1, None), line.data))
    axes = draw(Subject(engine, line.data, (), "runs/line-1"), "fitted-line").axes[0]
    assert legend(axes)[:2] == ["10 rows", "at the start"]
    assert legend(axes)[-1] == name
    outputs = engine.criterion.predicted(engine.predict(line.data.train.x[:1]))
    x, y = lines(axes)["at the start"].T
    assert np.interp(line.data.train.x[0].item(), x, y) == pytest.approx(engine.criterion.middle(outputs).item())


def test_there_is_no_line_through_a_category(tmp_path: Path) -> None:
    pl.DataFrame({"town": [f"town {k % 30}" for k in range(300)], "price": np.linspace(0, 1, 300)}).write_csv(
        tmp_path / "t.csv"
    )
    data = load_table(TableSource(str(tmp_path / "t.csv"), "price"), seed=0).data
    engine = small_engine("scratch", TrainPlan(loss="mse"), LinearRegression(1, 1))
    with pytest.raises(InputError, match="fitted-line must be used with one number as the feature, got a category;"):
        draw(Subject(engine, data, (), "runs/t-1"), "fitted-line")


def test_two_features_have_another_picture(moons: Subject) -> None:
    with pytest.raises(InputError, match=r"fitted-line must be used with one feature, got 2 features; .*boundary"):
        draw(moons, "fitted-line")
