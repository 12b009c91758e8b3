"""The picture: activation histograms."""

import numpy as np
import pytest

from fivestep.pictures._base import Subject
from tests.pictures.conftest import draw


def test_each_layer_is_a_map_whose_columns_are_distributions(moons: Subject) -> None:
    figure = draw(moons, "activation-histograms:count=4,bins=10")
    assert [axes.get_title() for axes in figure.axes[:-1]] == ["layer 0: Linear", "layer 1: Tanh", "layer 2: Linear"]
    for axes in figure.axes[:-1]:
        shares = np.asarray(axes.collections[0].get_array())
        assert shares.shape == (10, 4)
        assert shares.sum(0) == pytest.approx(np.ones(4))


def test_what_comes_out_of_tanh_lies_between_minus_one_and_one(moons: Subject) -> None:
    places = draw(moons, "activation-histograms:count=2,bins=5").axes[1].collections[0].get_coordinates()
    assert -1 <= places[..., 1].min() < places[..., 1].max() <= 1 + 1e-8


def test_the_last_moment_is_the_distribution_of_the_run(moons: Subject) -> None:
    mesh = draw(moons, "activation-histograms:count=2,bins=7").axes[2].collections[0]
    edges = mesh.get_coordinates()[:, 0, 1]
    z = moons.engine.predict(moons.data.train.x.double()).numpy()
    expected = np.histogram(z, edges)[0] / z.size
    assert np.asarray(mesh.get_array())[:, -1] == pytest.approx(expected)
