"""Weights as images."""

import numpy as np

from fivestep.plots.weight_images import weight_images
from tests.plots.drawn import has_two_themes

WEIGHTS = np.array([[[0.5, -2.0], [0.0, 1.0]], [[0.1, 0.1], [0.1, 0.1]]])


def test_each_unit_is_an_image_with_its_name() -> None:
    axes = weight_images(WEIGHTS, ["unit 3", "unit 7"]).axes
    assert [one.get_title() for one in axes[:2]] == ["unit 3", "unit 7"]
    assert np.array_equal(axes[0].images[0].get_array(), WEIGHTS[0])


def test_zero_is_in_the_middle_of_the_one_scale() -> None:
    figure = weight_images(WEIGHTS, ["a", "b"])
    assert {axes.images[0].get_clim() for axes in figure.axes[:2]} == {(-2, 2)}
    assert figure.axes[2].get_ylabel() == "weight"


def test_weights_that_are_all_zero_can_be_drawn() -> None:
    assert weight_images(np.zeros((1, 2, 2)), ["a"]).axes[0].images[0].get_clim() == (-1, 1)


def test_ten_images_are_two_full_rows() -> None:
    axes = weight_images(np.ones((10, 2, 2)), [str(k) for k in range(10)]).axes[:10]
    assert len({round(one.get_position().y0, 3) for one in axes[:5]}) == 1
    assert axes[5].get_position().y0 < axes[4].get_position().y0


def test_it_can_be_dark() -> None:
    assert has_two_themes(weight_images(WEIGHTS, ["a", "b"]), weight_images(WEIGHTS, ["a", "b"], dark=True))
