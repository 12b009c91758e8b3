"""The picture: paths."""

import numpy as np
import pytest
import torch

from fivestep.check import InputError
from fivestep.pictures._base import Subject
from tests.pictures.conftest import draw


@pytest.fixture(scope="module")
def ways(line: Subject) -> list[np.ndarray]:
    return [axes.get_lines()[0].get_xydata() for axes in draw(line, "paths:epochs=3,mini=4,places=5").axes[:3]]


def test_updates_are_one_or_several_or_as_many_as_rows_in_an_epoch(ways: list[np.ndarray]) -> None:
    assert [len(way) - 1 for way in ways] == [3, 3 * 3, 3 * 10]


def test_all_begin_at_the_same_weights(ways: list[np.ndarray], line: Subject) -> None:
    named = line.starting_engine().named_parameters()
    start = [named["0.weight"].item(), named["0.bias"].item()]
    assert [way[0].tolist() for way in ways] == [start] * 3


def test_the_batch_goes_down_the_gradient_of_the_mean_squared_error(ways: list[np.ndarray], line: Subject) -> None:
    x, y = line.data.train.x[:, 0].double(), line.data.train.y.double()
    w, b = ways[0][0]
    for after in ways[0][1:]:
        away = w * x + b - y
        w, b = w - 0.1 * 2 * (away * x).mean().item(), b - 0.1 * 2 * away.mean().item()
        assert after.tolist() == pytest.approx([w, b])


def test_the_minimum_is_the_least_squares_solution(line: Subject) -> None:
    axes = draw(line, "paths:epochs=1,places=5").axes[0]
    star = next(one for one in axes.get_lines() if one.get_label() == "minimum").get_xydata()[0]
    known = line.data.known_weights["least squares"]
    assert torch.allclose(torch.tensor(star), torch.cat([known["0.weight"][0], known["0.bias"]]), atol=1e-6)


def test_a_network_of_more_parameters_has_no_plane(moons: Subject) -> None:
    with pytest.raises(InputError, match=r"paths must be used with a network of two parameters, .* got one of 33"):
        draw(moons, "paths")


def test_no_height_is_cut_by_the_edge_of_its_map(line: Subject) -> None:
    figure = draw(line, "paths")
    figure.draw_without_rendering()
    maps = {axes: axes.get_window_extent() for axes in figure.axes[:3]}
    labels = [(axes, label.get_window_extent()) for axes in maps for label in axes.texts]
    assert len(labels) >= 6
    assert all(maps[axes].fully_contains(*corner) for axes, box in labels for corner in box.get_points())
