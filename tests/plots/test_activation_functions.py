"""Activations and their derivatives."""

import numpy as np

from fivestep.plots.activation_functions import activation_functions
from tests.plots.drawn import has_two_themes, legend, lines

Z = np.array([-1.0, 0.0, 1.0])
FUNCTIONS = {"square": (Z**2, 2 * Z), "same": (Z, np.ones(3)), "cube": (Z**3, 3 * Z**2), "double": (2 * Z, 2 + 0 * Z)}


def test_each_function_has_a_panel_with_its_derivative() -> None:
    axes = activation_functions(Z, FUNCTIONS).axes
    assert [one.get_title() for one in axes] == list(FUNCTIONS)
    assert lines(axes[0])["f(z)"].tolist() == [[-1, 1], [0, 0], [1, 1]]
    assert lines(axes[0])["f'(z)"][:, 1].tolist() == [-2, 0, 2]


def test_all_panels_have_one_scale_and_the_first_a_legend() -> None:
    axes = activation_functions(Z, FUNCTIONS).axes
    assert len({one.get_ylim() for one in axes}) == 1
    assert legend(axes[0]) == ["f(z)", "f'(z)"]


def test_it_can_be_dark() -> None:
    assert has_two_themes(activation_functions(Z, FUNCTIONS), activation_functions(Z, FUNCTIONS, dark=True))
