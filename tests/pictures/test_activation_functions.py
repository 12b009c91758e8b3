"""The picture: activation functions."""

import numpy as np

from fivestep.find import names
from fivestep.pictures._base import Subject
from tests.pictures.conftest import draw
from tests.plots.drawn import lines


def test_every_activation_of_the_folder_is_drawn(untrained: Subject) -> None:
    """Softmax works row by row and has no curve."""
    titles = [axes.get_title() for axes in draw(untrained, "activation-functions").axes]
    assert titles == [name for name in names("activations") if name != "softmax"]


def test_the_derivative_is_that_of_the_function(untrained: Subject) -> None:
    axes = next(one for one in draw(untrained, "activation-functions").axes if one.get_title() == "tanh")
    (z, a), (_, slope) = (lines(axes)[name].T for name in ("f(z)", "f'(z)"))
    assert np.allclose(np.gradient(a, z)[1:-1], slope[1:-1], atol=2e-4)


def test_where_relu6_ends_to_rise_is_in_the_picture(untrained: Subject) -> None:
    axes = next(one for one in draw(untrained, "activation-functions").axes if one.get_title() == "relu6")
    (_, right), (_, top) = axes.get_xlim(), axes.get_ylim()
    end = lines(axes)["f(z)"][-1]
    assert end[1] == 6 < top  # without the 6, it would be end[0]
    assert 6 < end[0] <= right
