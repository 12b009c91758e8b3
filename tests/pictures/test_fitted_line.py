"""The picture: fitted line."""

import pytest

from fivestep.check import InputError
from fivestep.pictures._base import Subject
from tests.pictures.conftest import draw
from tests.plots.drawn import legend, lines


def test_the_learnt_line_has_the_learnt_slope(line: Subject) -> None:
    axes, weights = draw(line, "fitted-line").axes[0], line.engine.named_parameters()
    (x0, y0), *_, (x1, y1) = lines(axes)["learnt"].tolist()
    assert (y1 - y0) / (x1 - x0) == pytest.approx(weights["0.weight"].item())
    assert y0 == pytest.approx(weights["0.bias"].item() + weights["0.weight"].item() * x0)


def test_the_known_lines_are_drawn_beside_it(line: Subject) -> None:
    axes = draw(line, "fitted-line").axes[0]
    assert legend(axes) == ["10 rows", "learnt", "true", "least squares"]
    (x0, y0), *_ = lines(axes)["true"].tolist()
    assert y0 == pytest.approx(2 * x0 + 1)


def test_two_features_have_another_picture(moons: Subject) -> None:
    with pytest.raises(InputError, match=r"fitted-line must be used with one feature, got 2 features; .*boundary"):
        draw(moons, "fitted-line")
