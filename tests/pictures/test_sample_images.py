"""The picture: sample images."""

import numpy as np
import pytest

from fivestep.check import InputError
from fivestep.pictures._base import Subject
from tests.pictures.conftest import draw


def test_the_first_images_of_each_class_stand_in_rows(digits: Subject) -> None:
    figure, train = draw(digits, "sample-images:each=2"), digits.data.train
    assert [axes.get_title() for axes in figure.axes] == [str(k) for k in range(10)] * 2
    second_three = train.x[(train.y == 3).nonzero()[1, 0]].reshape(8, 8)
    assert np.allclose(figure.axes[13].images[0].get_array(), second_three)


@pytest.mark.parametrize("fixture", ["moons", "iris"])
def test_rows_that_are_no_images_are_refused(fixture: str, request: pytest.FixtureRequest) -> None:
    with pytest.raises(InputError, match=r"sample-images must be used with rows that are square images, got rows of"):
        draw(request.getfixturevalue(fixture), "sample-images")
