"""Distributions over time."""

from itertools import pairwise

import numpy as np
import pytest

from fivestep.plots.activation_histograms import activation_histograms
from tests.plots.drawn import has_two_themes, labels

EDGES = np.array([-1.0, 0.0, 1.0])
SHARES = np.array([[0.5, 0.5], [0.25, 0.75], [0.0, 1.0]])
LAYERS = {"layer 0": (EDGES, SHARES), "layer 1": (2 * EDGES, SHARES)}


def test_each_layer_is_a_map_of_shares_over_steps_and_values() -> None:
    figure = activation_histograms([1, 11, 21], LAYERS)
    first, second, scale = figure.axes
    mesh = first.collections[0]
    assert mesh.get_array().tolist() == SHARES.T.tolist()
    assert mesh.get_coordinates()[0, :, 0].tolist() == [-4, 6, 16, 26]
    assert mesh.get_coordinates()[:, 0, 1].tolist() == EDGES.tolist()
    assert (first.get_title(), labels(second), scale.get_ylabel()) == (
        "layer 0",
        ("step", "value"),
        "share of the values",
    )


def test_a_single_moment_can_be_drawn() -> None:
    mesh = activation_histograms([5], {"layer": (EDGES, SHARES[:1])}).axes[0].collections[0]
    assert mesh.get_coordinates()[0, :, 0].tolist() == pytest.approx([4.5, 5.5])


def test_it_can_be_dark() -> None:
    assert has_two_themes(*(activation_histograms([1, 2, 3], LAYERS, dark=dark) for dark in (False, True)))


def test_numbers_of_many_steps_do_not_overlap() -> None:
    steps = list(range(1, 12_000, 200))
    layers = {f"layer {k}": (EDGES, np.full((len(steps), 2), 0.5)) for k in range(3)}
    figure = activation_histograms(steps, layers)
    figure.draw_without_rendering()
    ticks = figure.axes[0].get_xticklabels()
    boxes = [tick.get_window_extent() for tick in ticks if tick.get_text()]
    assert len(boxes) > 2
    assert not [a for a, b in pairwise(boxes) if a.x1 >= b.x0]


def test_steps_are_whole_numbers() -> None:
    axes = activation_histograms([5], {"layer": (EDGES, SHARES[:1])}).axes[0]
    low, high = axes.get_xlim()
    assert [tick for tick in axes.get_xticks() if low <= tick <= high] == [5]
