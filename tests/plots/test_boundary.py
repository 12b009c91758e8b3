"""The decision boundary."""

import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgb
from matplotlib.contour import ContourSet

from fivestep.plots._style import LIGHT
from fivestep.plots._surface import MOST_POINTS, STRENGTH
from fivestep.plots.boundary import boundary
from tests.plots.drawn import has_two_themes, labels, legend
from tests.plots.surfaces import surface

NAMES = ["left", "right", "middle", "other"]


def drawn(num_classes: int = 2, **options: int):
    names = NAMES[:num_classes]
    return boundary(surface(num_classes, **options), names, ("height", "width"), "moons: MLP", held="row 3")


def test_axes_are_the_features_and_the_title_is_the_model() -> None:
    figure = drawn()
    assert labels(figure.axes[0]) == ("height", "width")
    assert (figure.get_suptitle(), figure.axes[0].get_title()) == ("moons: MLP", "row 3")


@pytest.mark.parametrize("num_classes", [2, 3, 4])
def test_each_class_has_its_points_in_its_color_and_its_name_in_the_legend(num_classes: int) -> None:
    axes, whole = drawn(num_classes).axes[0], surface(num_classes)
    clouds = [one for one in axes.collections if isinstance(one, PathCollection)]
    assert legend(axes) == NAMES[:num_classes]
    for k, cloud in enumerate(clouds):
        assert np.array_equal(cloud.get_offsets(), whole.points[whole.labels == k])
        assert tuple(cloud.get_facecolor()[0][:3]) == pytest.approx(to_rgb(LIGHT.colors[k]))


def test_a_name_that_begins_with_an_underscore_is_in_the_legend() -> None:
    names = ["_none", "b", "c"]
    assert legend(boundary(surface(3), names, ("a", "b")).axes[0]) == names


def test_the_fill_mixes_the_colors_by_probability() -> None:
    image, whole = drawn(3).axes[0].images[0], surface(3)
    colors = np.array([to_rgb(color) for color in LIGHT.colors[:3]])
    expected = STRENGTH * whole.p[4, 7] @ colors + (1 - STRENGTH)
    assert np.asarray(image.get_array())[4, 7] == pytest.approx(expected)
    left, right, bottom, top = image.get_extent()
    assert (left < -1, right > 1, bottom < -2, top > 2) == (True,) * 4


def test_two_classes_have_the_lines_of_three_probabilities() -> None:
    contours = [one for one in drawn().axes[0].collections if isinstance(one, ContourSet)]
    assert [list(one.levels) for one in contours] == [[0.1, 0.5, 0.9]]


def test_the_border_stands_where_both_are_equally_likely() -> None:
    contours = next(one for one in drawn().axes[0].collections if isinstance(one, ContourSet))
    assert contours.get_paths()[1].vertices[:, 0] == pytest.approx(0, abs=0.01)


def test_of_very_many_rows_some_are_drawn() -> None:
    clouds = [one for one in drawn(num_points=5000).axes[0].collections if isinstance(one, PathCollection)]
    assert sum(len(cloud.get_offsets()) for cloud in clouds) == MOST_POINTS


def test_it_can_be_dark() -> None:
    figures = [boundary(surface(), NAMES[:2], ("a", "b"), dark=dark) for dark in (False, True)]
    assert has_two_themes(*figures)
