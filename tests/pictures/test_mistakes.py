"""The picture: mistakes."""

from dataclasses import replace

import numpy as np
import pytest

from fivestep.check import InputError
from fivestep.datasets._base import Rows
from fivestep.pictures._base import Subject
from tests.pictures.conftest import draw


def test_they_are_wrong_and_the_surest_comes_first(digits: Subject) -> None:
    titles = [axes.get_title() for axes in draw(digits, "mistakes:count=6").axes]
    answers, truths = zip(*(title.split("\nis ") for title in titles), strict=True)
    guesses, p = zip(*(answer.split() for answer in answers), strict=True)
    assert all(guess != truth for guess, truth in zip(guesses, truths, strict=True))
    assert [float(one) for one in p] == sorted(map(float, p), reverse=True)


def test_nothing_wrong_is_surer_than_the_first(digits: Subject) -> None:
    part, rows = digits.held_out()
    p, y = digits.probabilities(rows.x).max(1), digits.labels(rows)
    surest = p.values[p.indices != y].max().item()
    assert part == "test"
    assert f"{surest:.3f}" in draw(digits, "mistakes:count=1").axes[0].get_title()


def test_a_network_without_mistakes_says_so(digits: Subject) -> None:
    _, rows = digits.held_out()
    right = rows.take((digits.probabilities(rows.x).argmax(1) == digits.labels(rows)).nonzero()[:, 0])
    faultless = replace(digits, data=replace(digits.data, test=Rows(right.x, right.y)))
    with pytest.raises(
        InputError, match="mistakes must be drawn of a network that makes some, got none on the test rows"
    ):
        draw(faultless, "mistakes")


def test_images_are_those_of_the_rows(digits: Subject) -> None:
    image = draw(digits, "mistakes:count=1").axes[0].images[0].get_array()
    _, rows = digits.held_out()
    assert any(np.allclose(image, row) for row in rows.x.reshape(-1, 8, 8))
