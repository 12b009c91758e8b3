"""Ways down on one landscape."""

import numpy as np

from fivestep.plots.paths import paths
from tests.plots.drawn import has_two_themes, legend
from tests.plots.terrains import terrain

WAYS = {"batch": np.array([[-1.0, 0.0], [0.0, 0.0]]), "stochastic": np.array([[-1.0, 0.0], [0.5, 0.5], [1.0, 0.0]])}
NAMES = ("weight", "bias")


def test_each_way_has_its_panel_on_the_same_map() -> None:
    figure = paths(terrain(), WAYS, NAMES, loss_unit="nats")
    panels = figure.axes[:2]
    assert [axes.get_title() for axes in panels] == ["batch\n1 updates", "stochastic\n2 updates"]
    assert len({(axes.get_xlim(), axes.get_ylim()) for axes in panels}) == 1
    assert all(
        np.array_equal(axes.get_lines()[0].get_xydata(), way) for axes, way in zip(panels, WAYS.values(), strict=True)
    )
    assert figure.axes[2].get_ylabel() == "loss (nats)"


def test_start_and_minimum_are_marked() -> None:
    axes = paths(terrain(), WAYS, NAMES, best=(1.0, 0.0)).axes[0]
    assert legend(axes) == ["start", "minimum"]
    assert [line.get_xydata().tolist() for line in axes.get_lines()[1:]] == [[[-1, 0]], [[1, 0]]]


def test_it_can_be_dark() -> None:
    assert has_two_themes(paths(terrain(), WAYS, NAMES), paths(terrain(), WAYS, NAMES, dark=True))
