"""The loss along lines."""

import numpy as np

from fivestep.plots.landscape_1d import landscape_1d
from tests.plots.drawn import has_two_themes, labels, legend, lines

ALPHA = np.array([-1.0, 0.0, 1.0])
LOSSES = {"first": np.array([4.0, 0.5, 3.0]), "second": np.array([2.0, 0.5, 1.0])}


def test_each_direction_is_a_line_and_the_network_a_point_on_all_of_them() -> None:
    axes = landscape_1d(ALPHA, LOSSES, loss_unit="nats").axes[0]
    assert lines(axes)["second"].tolist() == [[-1, 2], [0, 0.5], [1, 1]]
    assert lines(axes)["the trained weights"].tolist() == [[0, 0.5]]
    assert legend(axes) == ["first", "second", "the trained weights"]
    assert labels(axes) == ("distance along the direction", "loss (nats)")


def test_it_can_be_dark() -> None:
    assert has_two_themes(landscape_1d(ALPHA, LOSSES), landscape_1d(ALPHA, LOSSES, dark=True))
