"""How much a network needs each column."""

import numpy as np
import pytest

from fivestep.plots.importance import importance
from tests.plots.drawn import has_two_themes, labels

SHOWN = (["area", "city"], np.array([1.5, 0.2]), np.array([0.1, 0.0]))


def test_a_bar_for_each_column_from_the_top_down() -> None:
    axes = importance(*SHOWN, "nats").axes[0]
    assert [bar.get_width() for bar in axes.patches] == [1.5, 0.2]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["area", "city"]
    assert axes.yaxis_inverted()
    assert labels(axes)[0] == "growth of the loss with the column shuffled (nats)"


def test_whiskers_show_how_much_it_depends_on_the_shuffle() -> None:
    (segments,) = (lines.get_segments() for lines in importance(*SHOWN).axes[0].collections)
    assert segments[0][:, 0].tolist() == pytest.approx([1.4, 1.6])


def test_it_can_be_dark() -> None:
    assert has_two_themes(importance(*SHOWN), importance(*SHOWN, dark=True))


def test_dollars_in_names_are_no_formula() -> None:
    axes = importance(["price ($) of $x$", "city"], *SHOWN[1:]).axes[0]
    assert not any(label.get_parse_math() for label in axes.get_yticklabels())
