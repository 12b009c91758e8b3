"""Images of each class."""

import numpy as np

from fivestep.plots.sample_images import sample_images
from tests.plots.drawn import has_two_themes

IMAGES = np.arange(4 * 9).reshape(4, 3, 3)


def test_every_image_is_drawn_below_the_name_of_its_class() -> None:
    figure = sample_images(IMAGES, [0, 1, 1, 0], ["shoe", "bag"], "clothes")
    assert [axes.get_title() for axes in figure.axes] == ["shoe", "bag", "bag", "shoe"]
    assert all(
        np.array_equal(axes.images[0].get_array(), image) for axes, image in zip(figure.axes, IMAGES, strict=True)
    )


def test_all_images_share_one_scale_of_grays() -> None:
    figure = sample_images(IMAGES, [0, 1, 1, 0], ["shoe", "bag"])
    assert {axes.images[0].get_clim() for axes in figure.axes} == {(0, 35)}


def test_images_have_no_ticks() -> None:
    assert all(list(axes.get_xticks()) == [] for axes in sample_images(IMAGES, [0] * 4, ["shoe"]).axes)


def test_it_can_be_dark() -> None:
    assert has_two_themes(*(sample_images(IMAGES, [0] * 4, ["shoe"], dark=dark) for dark in (False, True)))
