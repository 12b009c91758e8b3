"""The picture: weight images."""

import numpy as np

from fivestep.pictures._base import Subject
from tests.pictures.conftest import draw


def test_the_images_are_the_rows_of_the_weight_matrix(digits: Subject) -> None:
    figure = draw(digits, "weight-images")
    weight = digits.engine.named_parameters()["0.weight"]
    assert [axes.get_title() for axes in figure.axes[:-1]] == digits.class_names
    assert np.allclose(figure.axes[4].images[0].get_array(), weight[4].reshape(8, 8))


def test_of_many_units_those_with_the_largest_weights_are_shown(digits: Subject) -> None:
    weight = digits.engine.named_parameters()["0.weight"]
    order = weight.norm(dim=1).argsort(descending=True)[:3].tolist()
    titles = [axes.get_title() for axes in draw(digits, "weight-images:count=3").axes[:-1]]
    assert titles == [digits.class_names[k] for k in order]
