"""What descent does on ten points around a line."""

from itertools import pairwise

import pytest
import torch
from torch import Tensor

from tests.facts.setup import prepare
from tests.tolerances import CONVERGED_FLOAT32, worst


@pytest.mark.parametrize("seed", range(5))
def test_line_loss_falls_at_every_step(seed: int):
    losses = prepare("line", "linear", seed=seed).losses()
    assert len(losses) == 100
    assert all(later < earlier for earlier, later in pairwise(losses))


def distances(seed: int, optimizer: str) -> tuple[Tensor, Tensor]:
    """How far the slope is from 2 and the intercept from 1, before and after the reference recipe."""
    setup = prepare("line", "linear", seed=seed, optimizer=optimizer)
    true = torch.cat([value.flatten() for value in setup.data.known_weights["true"].values()])
    before = (setup.engine.params.flat - true).abs()
    setup.losses()
    return before, (setup.engine.params.flat - true).abs()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_line_slope_moves_toward_2(seed: int, optimizer: str):
    before, after = distances(seed, optimizer)
    assert after[0] < before[0]


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_line_intercept_moves_toward_1_in_most_draws(optimizer: str):
    pairs = [distances(seed, optimizer) for seed in range(10)]
    assert sum(bool(after[1] < before[1]) for before, after in pairs) > 5


@pytest.mark.parametrize("seed", range(5))
def test_line_ends_at_the_least_squares_solution_after_3000_steps(seed: int):
    setup = prepare("line", "linear", seed=seed, epochs=3000)
    setup.losses()
    expected = {name: value.float() for name, value in setup.data.known_weights["least squares"].items()}
    assert worst(setup.engine.named_parameters(), expected)[0] < CONVERGED_FLOAT32
