"""The rows of a data set."""

from typing import Any

import numpy as np

from fivestep.plots.points import points
from tests.plots.drawn import has_free_axes, has_two_themes, labels, legend


def colors(cloud: Any) -> list[list[float]]:
    return cloud.get_facecolor().tolist()


X = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])


def test_each_class_is_a_cloud_of_its_rows() -> None:
    axes = points(X, np.array([0, 1, 0]), ["yes", "no"], ("a", "b")).axes[0]
    assert (labels(axes), legend(axes)) == (("a", "b"), ["yes", "no"])
    assert [cloud.get_offsets().tolist() for cloud in axes.collections] == [[[0, 1], [4, 5]], [[2, 3]]]


def test_of_many_classes_with_long_names_the_legend_covers_no_row_and_is_not_cut() -> None:
    names = [f"a rather long name of a class, number {k}" for k in range(50)]
    figure = points(np.random.default_rng(0).normal(size=(50, 2)), np.arange(50), names, ("a", "b"))
    assert has_free_axes(figure)
    found = figure.axes[0].get_legend().get_window_extent()
    assert figure.bbox.y0 <= found.y0
    assert found.y1 <= figure.bbox.y1
    assert found.x1 <= figure.bbox.x1
    assert legend(figure.axes[0])[-1] == "and 31 more"


def test_names_that_are_empty_or_begin_with_an_underscore_stand_beside_their_own_colors() -> None:
    axes = points(X, np.array([0, 1, 2]), ["_none", "", "c"], ("a", "b")).axes[0]
    handles = axes.get_legend().legend_handles
    assert legend(axes) == ["_none", "", "c"]
    assert [colors(handle) for handle in handles] == [colors(cloud) for cloud in axes.collections]


def test_numbers_have_a_scale_of_colors() -> None:
    figure = points(X, np.array([0.5, 1.5, 2.5]), [], ("a", "b"), target_name="price")
    assert figure.axes[1].get_ylabel() == "price"
    assert np.asarray(figure.axes[0].collections[0].get_array()).tolist() == [0.5, 1.5, 2.5]


def test_large_numbers_are_written_out_in_groups() -> None:
    axes, bar = points(X * 1e5, np.array([0.0, 1e6, 2e6]), [], ("a", "b")).axes
    axes.figure.draw_without_rendering()
    assert "200,000" in [label.get_text() for label in axes.get_xticklabels()]
    assert "1,000,000" in [label.get_text() for label in bar.get_yticklabels()]


def test_it_can_be_dark() -> None:
    assert has_two_themes(*(points(X, np.array([0, 1, 0]), ["a", "b"], ("a", "b"), dark=d) for d in (False, True)))


def test_long_names_of_columns_take_two_lines_and_are_not_cut() -> None:
    name = "average monthly payment over the last twelve months, in US dollars, "
    names = [f"{name * repeats}{repeats}" for repeats in (1, 2, 3)]
    figure = points(X, np.array([0.5, 1.5, 2.5]), [], (names[2], names[1]), names[0], target_name=names[0])
    figure.draw_without_rendering()
    axes, bar = figure.axes
    words = [axes.xaxis.label, axes.yaxis.label, bar.yaxis.label, figure._suptitle]
    boxes = [text.get_window_extent() for text in words]
    assert all(figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 for box in boxes)
    assert all(figure.bbox.y0 <= box.y0 and box.y1 <= figure.bbox.y1 for box in boxes)
    assert bar.get_ylabel().replace("\n", " ") == names[0]
    assert axes.get_xlabel().endswith("3")


def test_dollars_in_names_are_no_formula() -> None:
    axes = points(X, np.array([0, 1, 0]), ["$0 to $9", "$10"], ("cost ($) of $x_1$", "b"), "$a$").axes[0]
    texts = [axes.xaxis.label, axes.yaxis.label, axes.title, axes.figure._suptitle, *axes.get_legend().get_texts()]
    assert not any(text.get_parse_math() for text in texts)
