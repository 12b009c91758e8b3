"""Calibration."""

import numpy as np

from fivestep.plots.calibration import calibration
from tests.plots.drawn import has_two_themes, labels, legend, lines

EDGES = np.array([0.5, 0.75, 1.0])
BINS = (EDGES, np.array([10, 30]), np.array([0.6, 0.9]), np.array([0.5, 1.0]))


def test_shares_that_are_right_are_drawn_against_the_probabilities() -> None:
    axes = calibration(*BINS).axes[0]
    assert axes.collections[0].get_offsets().tolist() == [[0.6, 0.5], [0.9, 1.0]]
    assert axes.lines[1].get_xydata().tolist() == [[0.6, 0.5], [0.9, 1.0]]
    assert lines(axes)["perfectly calibrated"].tolist() == [[0.5, 0.5], [1, 1]]
    assert labels(axes) == ("probability of the answer", "share of right answers")


def test_the_calibration_error_is_the_mean_gap_weighted_by_the_counts() -> None:
    """10/40 |0.5 - 0.6| + 30/40 |1.0 - 0.9| = 0.1."""
    assert legend(calibration(*BINS).axes[0])[-1] == "expected calibration error 0.100"


def test_bars_show_how_many_answers_there_are() -> None:
    bars = calibration(*BINS).axes[1]
    assert [bar.get_height() for bar in bars.patches] == [10, 30]
    assert bars.get_ylabel() == "answers"


def test_an_empty_bin_is_left_out() -> None:
    shown = calibration(EDGES, np.array([0, 30]), np.array([0.0, 0.9]), np.array([0.0, 1.0])).axes[0]
    assert shown.collections[0].get_offsets().tolist() == [[0.9, 1.0]]


def test_a_dot_is_as_large_as_its_bin_is_full() -> None:
    small, large = calibration(*BINS).axes[0].collections[0].get_sizes()
    assert large > 2 * small > 0


def test_the_legend_covers_no_dot() -> None:
    figure = calibration(EDGES, np.array([1, 29]), np.array([0.6, 0.9]), np.array([0.0, 1.0]))
    figure.draw_without_rendering()
    axes = figure.axes[0]
    assert axes.get_legend().get_window_extent().y0 >= axes.get_window_extent().y1


def test_it_can_be_dark() -> None:
    assert has_two_themes(calibration(*BINS), calibration(*BINS, dark=True))
