"""The picture: landscape 2d."""

import numpy as np
import pytest
import torch

from fivestep.check import InputError
from fivestep.pictures._base import Subject
from fivestep.pictures._landscape import main_directions, projected
from tests.pictures.conftest import draw
from tests.plots.drawn import labels, lines
from tests.samples import numbers


def test_the_path_ends_at_the_network(moons: Subject) -> None:
    axes = draw(moons, "landscape-2d:places=5").axes[0]
    assert lines(axes)["end"] == pytest.approx(np.zeros((1, 2)), abs=1e-9)
    assert labels(axes) == ("first direction of the path", "second direction of the path")


def test_the_start_is_as_far_away_as_the_weights_moved_in_the_plane(moons: Subject) -> None:
    """The distance in the plane is at most the whole one; the first two directions hold nearly all of it."""
    start = lines(draw(moons, "landscape-2d:places=5").axes[0])["start"][0]
    whole = (moons.starting_engine().params.flat - moons.engine.params.flat).norm().item()
    assert 0.9 * whole <= float(np.linalg.norm(start)) <= whole * (1 + 1e-9)


def test_random_directions_show_the_path_too(moons: Subject) -> None:
    axes = draw(moons, "landscape-2d:places=5,directions=random").axes[0]
    assert {"training", "start", "end"} <= set(lines(axes))
    assert axes.get_xlim() == (-1, 1)


def test_an_untrained_network_has_a_landscape_without_a_path(untrained: Subject) -> None:
    assert set(lines(draw(untrained, "landscape-2d:places=5,directions=random").axes[0])) == {"end"}


def test_main_directions_are_those_in_which_a_path_lies() -> None:
    """A path in a plane of eight dimensions is found again, coordinates and all."""
    basis = torch.linalg.qr(numbers(8, 2)).Q.T
    coordinates = numbers(20, 2, seed=1) * torch.tensor([3.0, 1.0])
    weights = coordinates @ basis
    directions = main_directions(weights)
    path = projected(weights, weights[-1], directions)
    assert torch.allclose(directions @ directions.T, torch.eye(2, dtype=torch.float64), atol=1e-12)
    assert torch.allclose(path @ directions + weights[-1], weights, atol=1e-12)


@pytest.mark.parametrize(("options", "sentence"), [
    ("directions=pahts", "directions must be one of path, random, got 'pahts'; did you mean 'path'?"),
    ("places=2", "places must be a whole number of at least 3, got 2"),
    ("reach=0", "reach must be a finite number greater than 0, got 0"),
])  # fmt: skip
def test_wrong_options_are_refused(moons: Subject, options: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence.replace("?", r"\?")):
        draw(moons, f"landscape-2d:{options}")
