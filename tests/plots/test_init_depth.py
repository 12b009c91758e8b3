"""Signals through depth."""

import numpy as np

from fivestep.plots.init_depth import init_depth
from tests.plots.drawn import has_two_themes, lines

GOOD, GONE = np.array([1.0, 1.0, 1.0]), np.array([1.0, 1e-6, 1e-13])


def test_each_scheme_is_a_line_in_both_panels() -> None:
    figure = init_depth({"he": GOOD, "small": GONE}, {"he": 2 * GOOD, "small": GONE}, "30 layers")
    activations, gradients = figure.axes
    assert (activations.get_title(), gradients.get_title()) == ("activations", "gradients")
    assert lines(gradients)["he"].tolist() == [[1, 2], [2, 2], [3, 2]]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["he", "small"]


def test_what_has_vanished_ends_its_line() -> None:
    shown = lines(init_depth({"small": GONE}, {"small": GONE}).axes[0])["small"][:, 1]
    assert np.isnan(shown).tolist() == [False, False, True]


def test_more_schemes_than_colors_are_told_apart_by_their_markers() -> None:
    schemes = {f"scheme {k}": GOOD for k in range(11)}
    drawn = [(line.get_color(), line.get_marker()) for line in init_depth(schemes, schemes).axes[0].lines]
    assert len(set(drawn)) == 11


def test_it_can_be_dark() -> None:
    assert has_two_themes(init_depth({"he": GOOD}, {"he": GOOD}), init_depth({"he": GOOD}, {"he": GOOD}, dark=True))


def test_what_is_zero_throughout_has_a_name_and_no_line_that_could_be_taken_for_another() -> None:
    figure = init_depth({"he": GOOD, "zeros": 0 * GOOD}, {"he": GOOD, "zeros": 0 * GOOD})
    figure.draw_without_rendering()
    he, zeros = figure.legends[0].get_lines()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["he", "zeros (all 0)"]
    assert (he.get_linestyle(), zeros.get_linestyle(), zeros.get_marker()) == ("-", "None", "None")
