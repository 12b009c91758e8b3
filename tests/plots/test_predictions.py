"""Predicted numbers against the true ones."""

import itertools

import numpy as np
import pytest

from fivestep.plots.predictions import predictions
from tests.plots.drawn import has_free_axes, has_two_themes, labels, legend, lines

TRUE, PREDICTED = np.array([0.0, 10.0, 20.0]), np.array([2.0, 10.0, 18.0])


def test_every_row_is_a_point_beside_the_line_of_what_is_right() -> None:
    axes = predictions(TRUE, PREDICTED, "price").axes[0]
    assert axes.collections[0].get_offsets().tolist() == [[0, 2], [10, 10], [20, 18]]
    assert lines(axes)["exactly right"].tolist() == [[0, 0], [20, 20]]
    assert labels(axes) == ("true price", "predicted price")


def test_the_legend_says_how_good_it_is() -> None:
    """The errors 2, 0, -2 have the mean square 8/3, the targets the variance 200/3: R^2 = 1 - 8/200."""
    assert legend(predictions(TRUE, PREDICTED).axes[0])[1] == "3 rows: RMSE 1.633, R² 0.960"
    assert legend(predictions(np.ones(2), np.ones(2)).axes[0])[1] == "2 rows: RMSE 0"


@pytest.mark.parametrize(("factor", "words"), [(0.01, "0.01633"), (1e4, "16,330"), (1e6, "1,632,993")])
def test_the_error_is_written_as_people_write_numbers(factor: float, words: str) -> None:
    assert legend(predictions(TRUE * factor, PREDICTED * factor).axes[0])[1] == f"3 rows: RMSE {words}, R² 0.960"


def test_the_legend_covers_nothing() -> None:
    assert has_free_axes(predictions(TRUE, PREDICTED))


@pytest.mark.parametrize("factor", [1e-3, 1.0, 1e4, 1e6, 1e8])
def test_labels_along_the_axes_do_not_run_together(factor: float) -> None:
    figure = predictions(TRUE * factor, PREDICTED * factor)
    figure.draw_without_rendering()
    rows = [[label.get_window_extent() for label in axes.get_xticklabels()] for axes in figure.axes]
    assert all(len(boxes) > 1 for boxes in rows)
    assert all(left.x1 < right.x0 for boxes in rows for left, right in itertools.pairwise(boxes))


def test_the_errors_are_counted() -> None:
    bars = predictions(TRUE, PREDICTED).axes[1]
    assert sum(bar.get_height() for bar in bars.patches) == 3
    assert labels(bars) == ("predicted less true", "rows")


def test_large_numbers_are_written_out_in_groups() -> None:
    axes = predictions(TRUE * 1e5, PREDICTED * 1e5).axes[0]
    axes.figure.draw_without_rendering()
    assert "1,000,000" in [label.get_text() for label in axes.get_xticklabels()]


def test_it_can_be_dark() -> None:
    assert has_two_themes(predictions(TRUE, PREDICTED), predictions(TRUE, PREDICTED, dark=True))
