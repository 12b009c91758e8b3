"""Points and lines through them."""

import numpy as np

from fivestep.plots.fitted_line import fitted_line
from tests.plots.drawn import has_two_themes, labels, legend, lines

X, Y = np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.1, 4.9])
LINES = {"learned": (X, 2 * X + 1), "true": (X, 2 * X)}


def test_points_and_lines_are_those_given() -> None:
    axes = fitted_line(X, Y, LINES).axes[0]
    assert axes.collections[0].get_offsets().tolist() == [[0, 1], [1, 3.1], [2, 4.9]]
    assert lines(axes)["learned"][:, 1].tolist() == [1, 3, 5]
    assert (legend(axes), labels(axes)) == (["3 rows", "learned", "true"], ("x", "y"))


def test_the_learned_line_is_the_one_that_is_drawn_through() -> None:
    assert [line.get_linestyle() for line in fitted_line(X, Y, LINES).axes[0].get_lines()] == ["-", "--"]


def test_a_band_lies_around_the_learned_line() -> None:
    axes = fitted_line(X, Y, LINES, band=("range", 2 * X, 2 * X + 3)).axes[0]
    corners = axes.collections[1].get_paths()[0].vertices
    assert {(0, 0), (0, 3), (2, 4), (2, 7)} <= {tuple(corner) for corner in corners.tolist()}
    assert legend(axes) == ["3 rows", "learned", "true", "range"]


def test_it_can_be_dark() -> None:
    assert has_two_themes(fitted_line(X, Y, LINES), fitted_line(X, Y, LINES, dark=True))
