"""The picture: points."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fivestep.check import InputError
from fivestep.datasets._table import TableSource, load_table
from fivestep.net import MLP
from fivestep.pictures._base import Subject
from fivestep.plan import TrainPlan
from tests.pictures.conftest import draw
from tests.pictures.tables import houses, questions
from tests.plots.drawn import labels, legend
from tests.samples import small_engine


def test_rows_are_drawn_class_by_class(untrained: Subject) -> None:
    axes, train = draw(untrained, "points").axes[0], untrained.data.train
    assert legend(axes) == ["upper", "lower"]
    assert np.allclose(axes.collections[1].get_offsets(), train.x[train.y == 1])


def test_two_of_many_features_can_be_chosen(iris: Subject) -> None:
    axes = draw(iris, "points:features=(3,1)").axes[0]
    assert labels(axes) == ("petal width (cm)", "sepal width (cm)")
    assert iris.data.encoder is not None
    raw = iris.data.encoder.decode(iris.data.train.x[iris.data.train.y == 0])
    assert np.allclose(axes.collections[0].get_offsets(), raw[:, [3, 1]])


def test_of_a_table_the_two_numbers_that_say_most_are_drawn_in_their_own_units(tmp_path: Path) -> None:
    """The price is 1000 times the area, and has nothing to do with the noise, which comes first in the table."""
    figure = draw(houses(tmp_path), "points")
    assert labels(figure.axes[0]) == ("area", "noise")
    assert figure.axes[1].get_ylabel() == "price"
    area = np.asarray(figure.axes[0].collections[0].get_offsets())[:, 0]
    price = np.asarray(figure.axes[0].collections[0].get_array())
    assert set(np.round(price - 1000 * area, -2)) == {0, 30_000}
    assert (area.min() >= 50, area.min() < 60, area.max() > 140, area.max() <= 150) == (True,) * 4


def test_of_several_targets_one_is_drawn_by_its_name(tmp_path: Path) -> None:
    """The area of a house goes with nothing but its price; here both are targets, of noise and city."""
    subject = houses(tmp_path, ("price", "area"))
    figure = draw(subject, "points:target=area")
    assert figure.axes[1].get_ylabel() == "area"
    assert 50 <= np.min(figure.axes[0].collections[0].get_array()) < 150
    assert draw(subject, "points").axes[1].get_ylabel() == "price"


@pytest.mark.parametrize(
    ("option", "names", "features"),
    [
        ("", ["dry", "wet"], ("rain", "wind")),
        (":target=windy", ["false", "true"], ("wind", "rain")),
    ],
)
def test_of_several_questions_one_is_drawn_with_its_classes(
    tmp_path: Path, option: str, names: list[str], features: tuple[str, str]
) -> None:
    subject = questions(tmp_path)
    figure = draw(subject, f"points{option}")
    assert legend(figure.axes[0]) == names
    assert labels(figure.axes[0]) == features
    drawn = [len(one.get_offsets()) for one in figure.axes[0].collections]
    y = subject.data.train.y[:, 1 if option else 0]
    assert drawn == [int((y == 0).sum()), int((y == 1).sum())]


def test_a_row_that_lacks_a_number_is_left_out(tmp_path: Path) -> None:
    gaps = [None if k % 4 == 0 else float(k) for k in range(100)]
    pl.DataFrame({"x": gaps, "z": np.arange(100.0) ** 2, "y": np.arange(100.0) / 3}).write_csv(tmp_path / "t.csv")
    data = load_table(TableSource(tmp_path / "t.csv", "y"), seed=0).data
    plan = TrainPlan(loss="mse", batch_size=None)
    subject = Subject(small_engine("scratch", plan, plan.sized(MLP(None, 2, None), data)), data)
    figure = draw(subject, "points:features=(0,2)")
    seen = np.asarray(figure.axes[0].collections[0].get_offsets())
    assert labels(figure.axes[0]) == ("x", "z")
    x, z = seen.round().T
    assert x.tolist() == [k for k in x if k % 4 > 0]
    assert z.tolist() == (x**2).tolist()
    assert figure.get_suptitle() == f"t: the {len(x)} of {len(data.train)} training rows that have both"


@pytest.mark.parametrize("features", ["(0,4)", "(1,1)", "(0,1,2)", "0"])
def test_features_that_are_not_there_are_refused(iris: Subject, features: str) -> None:
    with pytest.raises(InputError, match="features must be two different numbers from 0 to 3, got"):
        draw(iris, f"points:features={features}")


def test_one_feature_and_images_have_other_pictures(line: Subject, digits: Subject) -> None:
    with pytest.raises(
        InputError, match=r"points must be used with two features or more, got one feature; .*fitted-line"
    ):
        draw(line, "points")
    with pytest.raises(
        InputError, match=r"points must be used with features that are not pixels, got images; .*sample"
    ):
        draw(digits, "points")
