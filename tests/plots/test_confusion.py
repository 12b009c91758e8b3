"""The confusion matrix."""

from itertools import pairwise

import numpy as np
import pytest

from fivestep.plots.confusion import confusion
from tests.plots.drawn import has_two_themes, labels, words

COUNTS = np.array([[8, 2], [0, 1200]])


def test_true_classes_go_down_and_answers_across() -> None:
    axes = confusion(COUNTS, ["cat", "dog"]).axes[0]
    assert labels(axes) == ("answer", "true class")
    assert [text.get_text() for text in axes.get_xticklabels()] == ["cat", "dog"]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["cat", "dog"]


def test_counts_are_written_and_shares_are_colors() -> None:
    figure = confusion(COUNTS, ["cat", "dog"])
    assert words(figure.axes[0]) == ["8", "2", "1,200"]
    assert figure.axes[0].images[0].get_array().tolist() == [[0.8, 0.2], [0, 1]]
    assert figure.axes[1].get_ylabel() == "share of the true class"


def test_a_class_without_rows_is_an_empty_line() -> None:
    assert confusion(np.array([[0, 0], [1, 3]]), ["a", "b"]).axes[0].images[0].get_array()[0].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("names", "turned"), [(["cat", "dog"], 0), (["a long name", "another", "and one more", "b"], 45)]
)
def test_long_names_are_slanted(names: list[str], turned: float) -> None:
    axes = confusion(np.eye(len(names)), names).axes[0]
    assert {text.get_rotation() for text in axes.get_xticklabels()} == {turned}


@pytest.mark.parametrize("num_classes", [30, 50, 200])
def test_names_never_lie_on_each_other(num_classes: int) -> None:
    names = [f"a rather long name of a class, number {k}" for k in range(num_classes)]
    figure = confusion(np.eye(num_classes), names)
    figure.draw_without_rendering()
    written = [text for text in figure.axes[0].get_yticklabels() if text.get_text()]
    boxes = sorted((text.get_window_extent() for text in written), key=lambda box: box.y0)
    assert len(boxes) >= 25
    assert all(one.y1 <= other.y0 for one, other in pairwise(boxes))
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == [text.get_text() for text in written]
    assert len({text.get_text() for text in written}) == len(written)  # of names cut short each is its own


def test_the_fields_take_most_of_the_picture_beside_long_names() -> None:
    names = ["the first of two classes with very long names, which nobody would write out", "the second of them"]
    figure = confusion(COUNTS, names)
    figure.draw_without_rendering()
    field, picture = figure.axes[0].get_window_extent(), figure.bbox
    assert field.width > 0.3 * picture.width


def test_of_very_many_classes_only_colors_are_shown() -> None:
    assert words(confusion(np.eye(30), [str(k) for k in range(30)]).axes[0]) == []


def test_it_can_be_dark() -> None:
    assert has_two_themes(confusion(COUNTS, ["a", "b"]), confusion(COUNTS, ["a", "b"], dark=True))


def test_dollars_in_names_of_classes_are_no_formula() -> None:
    axes = confusion(np.eye(2), ["$0 to $9", "$10 to $99"]).axes[0]
    assert not any(label.get_parse_math() for label in (*axes.get_xticklabels(), *axes.get_yticklabels()))
