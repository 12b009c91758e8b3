"""The picture: points."""

import numpy as np
import pytest

from fivestep.check import InputError
from fivestep.pictures._base import Subject
from tests.pictures.conftest import draw
from tests.plots.drawn import labels, legend


def test_rows_are_drawn_class_by_class(untrained: Subject) -> None:
    axes, train = draw(untrained, "points").axes[0], untrained.data.train
    assert legend(axes) == ["upper", "lower"]
    assert np.allclose(axes.collections[1].get_offsets(), train.x[train.y == 1])


def test_two_of_many_features_can_be_chosen(iris: Subject) -> None:
    axes = draw(iris, "points:features=(3,1)").axes[0]
    assert labels(axes) == ("petal width (cm), scaled", "sepal width (cm), scaled")
    assert np.allclose(axes.collections[0].get_offsets(), iris.data.train.x[iris.data.train.y == 0][:, [3, 1]])


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
