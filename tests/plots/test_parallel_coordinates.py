"""A line for each network, through an axis for each setting."""

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb

from fivestep.plots._style import DARK, LIGHT
from fivestep.plots.parallel_coordinates import parallel_coordinates
from tests.plots.drawn import ground, legend, words

SETTINGS = {"lr": [0.001, 0.01, 0.1], "hidden": ["8", "16,8", "8"]}
VALUES = [0.5, 0.2, 0.3]


def heights(best: int | None = None) -> "dict[str, np.ndarray]":
    """Where the lines cross the three axes; the marked one, and the others from the worst to the best."""
    axes = parallel_coordinates(SETTINGS, VALUES, log=("lr",), best=best).axes[0]
    (others,) = [one for one in axes.collections if isinstance(one, LineCollection)]
    marked = next(line for line in axes.lines if str(line.get_label()).startswith("best"))
    at_axes = [0, 24, 47]
    return {
        "marked": np.asarray(marked.get_ydata())[at_axes],
        "others": np.stack([np.asarray(path)[at_axes, 1] for path in others.get_segments()]),
    }


def test_lines_cross_the_axes_where_the_settings_are() -> None:
    """0.001, 0.01, 0.1 are 0, 1/2, 1 by their logarithms; 0.2, 0.3, 0.5 are 0, 1/3, 1; words one above the other."""
    found = heights()
    assert found["marked"] == pytest.approx([0.5, 1.0, 0.0])
    assert found["others"][:, [0, 2]] == pytest.approx(np.array([[0.0, 1.0], [1.0, 1 / 3]]))
    assert found["others"][:, 1] == pytest.approx([0.0, 0.0], abs=0.031)


def test_another_network_than_the_least_can_be_the_best() -> None:
    assert heights(best=2)["marked"][[0, 2]] == pytest.approx([1.0, 1 / 3])


def test_the_axes_have_names_and_ticks() -> None:
    figure = parallel_coordinates(SETTINGS, VALUES, log=("lr",), title="moons: 3 networks")
    shown = words(figure.axes[0])
    assert {"lr", "hidden", "validation loss", "8", "16,8", "0.001", "0.01", "0.1"} <= set(shown)
    assert legend(figure.axes[0]) == ["best: 0.2"]
    assert figure.get_suptitle() == "moons: 3 networks"


def test_there_are_two_themes() -> None:
    light, dark = (parallel_coordinates(SETTINGS, VALUES, dark=dark) for dark in (False, True))
    assert (ground(light), ground(dark)) == (LIGHT.ground, DARK.ground)
    inks = [to_rgb(figure.axes[0].texts[0].get_color()) for figure in (light, dark)]
    assert inks == [to_rgb(LIGHT.ink), to_rgb(DARK.ink)]


@pytest.mark.parametrize("count", [1, 2])
def test_one_network_or_equal_ones_are_drawn_too(count: int) -> None:
    settings = {"lr": [0.1] * count, "hidden": ["8"] * count}
    assert parallel_coordinates(settings, [0.5] * count, log=("lr",)).axes
