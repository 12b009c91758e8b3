"""The loss over a plane."""

import numpy as np
import pytest
from matplotlib.colors import LogNorm
from matplotlib.contour import QuadContourSet

from fivestep.plots.landscape_2d import landscape_2d
from tests.plots.drawn import has_two_themes, labels, legend
from tests.plots.terrains import terrain

PATH = np.array([[-1.0, 0.5], [0.0, 0.2], [1.0, 0.0]])
NAMES = ("first", "second")


def filled(height: float) -> QuadContourSet:
    axes = landscape_2d(terrain(height), PATH, NAMES).axes[0]
    return next(one for one in axes.collections if isinstance(one, QuadContourSet))


def test_the_whole_terrain_is_in_view_with_its_scale() -> None:
    figure = landscape_2d(terrain(), PATH, NAMES, "moons", loss_unit="nats")
    axes, scale = figure.axes
    assert (axes.get_xlim(), axes.get_ylim()) == ((-2, 3), (-1, 1))
    assert (labels(axes), scale.get_ylabel(), figure.get_suptitle()) == (NAMES, "loss (nats)", "moons")


def test_the_path_is_drawn_from_start_to_end() -> None:
    axes = landscape_2d(terrain(), PATH, NAMES).axes[0]
    drawn = {str(line.get_label()): np.column_stack(line.get_data()) for line in axes.get_lines()}
    assert np.array_equal(drawn["training"], PATH)
    assert (drawn["start"].tolist(), drawn["end"].tolist()) == ([[-1, 0.5]], [[1, 0]])
    assert legend(axes) == ["training", "start", "end"]


def test_without_a_path_the_network_is_in_the_middle() -> None:
    axes = landscape_2d(terrain(), np.empty((0, 2)), NAMES).axes[0]
    assert [line.get_xydata().tolist() for line in axes.get_lines()] == [[[0, 0]]]


@pytest.mark.parametrize(("height", "logarithmic"), [(0.5, False), (0.01, True)])
def test_heights_over_many_magnitudes_are_logarithmic(height: float, logarithmic: bool) -> None:
    assert isinstance(filled(height).norm, LogNorm) is logarithmic


def test_the_colors_span_the_losses() -> None:
    assert filled(0.5).norm.vmin == pytest.approx(0.5)
    assert filled(0.5).norm.vmax == pytest.approx(0.5 + 9 + 1)


def test_it_can_be_dark() -> None:
    assert has_two_themes(landscape_2d(terrain(), PATH, NAMES), landscape_2d(terrain(), PATH, NAMES, dark=True))


def test_no_two_heights_on_the_scale_look_alike() -> None:
    bowl = terrain(height=10.0)
    scale = landscape_2d(bowl._replace(loss=bowl.loss / 100 + 1), PATH, NAMES).axes[1]
    scale.figure.draw_without_rendering()
    written = [label.get_text() for label in scale.get_yticklabels()]
    assert len(set(written)) == len(written) > 2
