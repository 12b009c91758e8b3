"""Gradients by layer."""

import numpy as np

from fivestep.plots.gradient_flow import gradient_flow
from tests.plots.drawn import has_two_themes, labels, legend, lines

NORMS = {"0.weight": np.array([1e-3, 1e-4, 0.0]), "2.weight": np.array([1e-1, 1e-2, 1e-3])}


def test_each_parameter_is_a_line_on_a_logarithmic_axis() -> None:
    axes = gradient_flow([1, 5, 9], NORMS).axes[0]
    assert lines(axes)["2.weight"].tolist() == [[1, 0.1], [5, 0.01], [9, 0.001]]
    assert (axes.get_yscale(), legend(axes)) == ("log", ["0.weight", "2.weight"])
    assert labels(axes) == ("step", "gradient, root mean square")


def test_there_is_no_step_between_two() -> None:
    axes = gradient_flow([1, 2, 3], NORMS).axes[0]
    assert all(place == round(place) for place in axes.get_xticks())


def test_a_gradient_of_zero_is_a_gap() -> None:
    assert np.isnan(lines(gradient_flow([1, 5, 9], NORMS).axes[0])["0.weight"][2, 1])


def test_it_can_be_dark() -> None:
    assert has_two_themes(gradient_flow([1, 5, 9], NORMS), gradient_flow([1, 5, 9], NORMS, dark=True))
