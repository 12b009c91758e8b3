"""The picture: boundary."""

import numpy as np
import polars as pl
import pytest
import torch

from fivestep.check import InputError
from fivestep.datasets._base import Dataset, Rows
from fivestep.net import MLP
from fivestep.pictures._base import Subject, picture_for
from fivestep.pictures._surfaces import surface_of
from fivestep.pictures.boundary import Boundary
from fivestep.table.encoder import Encoder
from fivestep.table.kinds import kinds_of
from tests.pictures.conftest import draw
from tests.plots.drawn import labels
from tests.samples import small_engine, small_plan
from tests.tolerances import FORMULA


def test_every_place_has_the_probability_that_the_network_gives(moons: Subject) -> None:
    surface = surface_of(moons, moons.engine, grid=9)
    place = torch.tensor([[surface.x[2], surface.y[5]]])
    p = torch.sigmoid(moons.engine.predict(place)).item()
    assert surface.p[5, 2] == pytest.approx([1 - p, p], rel=FORMULA)


def test_three_classes_have_three_probabilities_at_places_in_the_units_of_the_table(iris: Subject) -> None:
    surface, encoder = surface_of(iris, iris.engine, (0, 2), row=7, grid=5), iris.data.encoder
    assert encoder is not None
    raw = encoder.decode(iris.data.train.x[7:8])
    raw[0, [0, 2]] = torch.tensor([surface.x[1], surface.y[3]])
    row = encoder.encode(pl.DataFrame(raw.numpy(), schema=encoder.features), dtype=torch.float64)
    expected = iris.engine.predict(row).softmax(1)[0].tolist()
    assert 4 < surface.points[:, 0].min() < surface.points[:, 0].max() < 8  # centimeters
    assert surface.p[3, 1] == pytest.approx(expected, rel=FORMULA)
    assert surface.p.sum(-1) == pytest.approx(np.ones((5, 5)))


def test_two_of_many_features_need_a_row_for_the_others(iris: Subject) -> None:
    with pytest.raises(
        InputError, match=r"boundary must be used with .*boundary:features=\(0,1\),row=0, got 4 features; "
    ):
        draw(iris, "boundary")
    figure = draw(iris, "boundary:features=(0,2),row=5")
    assert labels(figure.axes[0]) == ("sepal length (cm)", "petal length (cm)")
    assert figure.axes[0].get_title() == "all other features as in row 5"


def test_there_is_no_boundary_between_the_codes_of_a_category(iris: Subject) -> None:
    towns = [f"town {k % 30}" for k in range(300)]
    kinds = kinds_of(frame := pl.DataFrame({"town": towns, "x": np.linspace(0, 1, 300)}))
    encoder = Encoder.fit(frame, kinds)
    rows = Rows(encoder.encode(frame), torch.arange(300) % 3)
    subject = Subject(iris.engine, Dataset(rows, num_outputs=3, encoder=encoder))
    with pytest.raises(
        InputError, match="features must be two of the 1 that are numbers, which come before the codes of cat"
    ):
        surface_of(subject, iris.engine, (0, 1))


def test_a_row_that_is_not_there_is_refused(iris: Subject) -> None:
    with pytest.raises(InputError, match="row must be the number of a training row, 0 to 89, got 90"):
        draw(iris, "boundary:features=(0,2),row=90")


def test_numbers_have_no_boundary(line: Subject) -> None:
    with pytest.raises(
        InputError, match="boundary must be used with two features, got 1 feature; for this one there are"
    ):
        draw(line, "boundary")
    data = Dataset(Rows(torch.randn(20, 2), torch.randn(20)), name="plane")
    engine = small_engine("scratch", small_plan(loss="mse"), MLP(2, 3, 1))
    with pytest.raises(InputError, match="boundary must be used with targets that are classes, got numbers"):
        picture_for(Subject(engine, data), "boundary")


def test_a_margin_has_no_probabilities_but_a_side(moons: Subject) -> None:
    engine = small_engine("scratch", small_plan(loss="hinge"), MLP(2, 3, 1))
    p = Subject(engine, moons.data).probabilities(moons.data.train.x)
    assert set(p.flatten().tolist()) == {0.0, 1.0}
    assert torch.equal(p[:, 1] == 1, engine.predict(moons.data.train.x)[:, 0] > 0)


def test_in_motion_it_begins_at_the_first_step_and_ends_at_the_last(moons: Subject) -> None:
    frames = list(Boundary(frames_shown=4, grid=8).frames(moons, title="", dark=False))
    titles = [figure.get_suptitle() for figure in frames]
    assert titles[0].startswith("moons: MLP 2-8-1, tanh, step 1, loss 0.")
    assert "step 60," in titles[-1]
    still = Boundary(grid=8).draw(moons, title="", dark=False)
    last, trained = (np.asarray(figure.axes[0].images[0].get_array()) for figure in (frames[-1], still))
    assert np.allclose(last, trained, atol=1e-12)
