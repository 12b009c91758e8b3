"""Confident mistakes."""

import numpy as np

from fivestep.plots.mistakes import mistakes
from tests.plots.drawn import has_two_themes

IMAGES = np.ones((2, 3, 3))
ANSWERS, TRUTHS = [("bag", 0.9876), ("shoe", 0.5)], ["shoe", "bag"]


def test_each_image_says_what_was_answered_how_surely_and_what_it_is() -> None:
    figure = mistakes(IMAGES, ANSWERS, TRUTHS)
    assert [axes.get_title() for axes in figure.axes] == ["bag 0.988\nis shoe", "shoe 0.500\nis bag"]


def test_every_image_is_drawn() -> None:
    assert [axes.images[0].get_array().shape for axes in mistakes(IMAGES, ANSWERS, TRUTHS).axes] == [(3, 3)] * 2


def test_it_can_be_dark() -> None:
    assert has_two_themes(mistakes(IMAGES, ANSWERS, TRUTHS), mistakes(IMAGES, ANSWERS, TRUTHS, dark=True))
