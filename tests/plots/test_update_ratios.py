"""Updates against weights."""

import numpy as np

from fivestep.plots.update_ratios import USUAL, update_ratios
from tests.plots.drawn import has_two_themes, labels, legend, lines

RATIOS = {"0.weight": np.array([1e-2, 1e-3]), "2.weight": np.array([1e-1, 1e-4])}


def test_each_parameter_is_a_line_and_the_usual_ratio_another() -> None:
    axes = update_ratios([1, 5], RATIOS).axes[0]
    assert lines(axes)["0.weight"].tolist() == [[1, 0.01], [5, 0.001]]
    assert set(axes.get_lines()[0].get_ydata()) == {USUAL}
    assert legend(axes) == ["usual: 0.001", "0.weight", "2.weight"]
    assert (labels(axes), axes.get_yscale()) == (("step", "|update| / |weights|"), "log")


def test_it_can_be_dark() -> None:
    assert has_two_themes(update_ratios([1, 5], RATIOS), update_ratios([1, 5], RATIOS, dark=True))
