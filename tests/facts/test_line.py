"""What descent does on ten points around a line."""

from itertools import pairwise

import pytest

from tests.facts.setup import prepare
from tests.tolerances import CONVERGED_FLOAT32, worst


@pytest.mark.parametrize("seed", range(5))
def test_line_loss_falls_at_every_step(seed: int):
    losses = prepare("line", "linear", seed=seed).losses()
    assert len(losses) == 100
    assert all(later < earlier for earlier, later in pairwise(losses))


@pytest.mark.parametrize("seed", range(5))
def test_line_slope_moves_toward_2(seed: int):
    setup = prepare("line", "linear", seed=seed)
    slope = setup.engine.named_parameters()["0.weight"]
    before = slope.item()
    setup.losses()
    assert abs(slope.item() - 2) < abs(before - 2)


@pytest.mark.parametrize("seed", range(5))
def test_line_ends_at_the_least_squares_solution_after_3000_steps(seed: int):
    setup = prepare("line", "linear", seed=seed, epochs=3000)
    setup.losses()
    expected = {name: value.float() for name, value in setup.data.known_weights["least squares"].items()}
    assert worst(setup.engine.named_parameters(), expected)[0] < CONVERGED_FLOAT32
