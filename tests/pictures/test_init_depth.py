"""The picture: init depth."""

import numpy as np
import pytest

from fivestep.find import names
from fivestep.pictures._base import Subject
from tests.inits.depth import factors
from tests.pictures.conftest import draw
from tests.plots.drawn import lines


@pytest.fixture(scope="module")
def series(untrained: Subject) -> list[dict[str, np.ndarray]]:
    return [lines(axes) for axes in draw(untrained, "init-depth:activation=relu,depth=12").axes]


def test_every_scheme_of_the_folder_has_a_line_of_that_depth(series: list[dict[str, np.ndarray]]) -> None:
    lengths = {name: len(line) for name, line in series[0].items()}
    assert lengths == {**dict.fromkeys(set(names("inits")) - {"zeros"}, 12), "zeros (all 0)": 0}


@pytest.mark.parametrize("scheme", ["kaiming", "xavier", "lecun"])
def test_the_factor_from_layer_to_layer_is_that_of_the_scheme(series: list[dict[str, np.ndarray]], scheme: str) -> None:
    """One network of 12 layers: the standard error of a factor is sqrt(5/128/11) = 0.06; three of them."""
    values = series[0][scheme][:, 1]
    assert (values[-1] / values[0]) ** (1 / 11) == pytest.approx(factors(scheme, "relu").activations, abs=0.18)


def test_the_network_gives_the_activation(untrained: Subject) -> None:
    assert draw(untrained, "init-depth:depth=2").get_suptitle().startswith("2 layers of 128 units, tanh")
