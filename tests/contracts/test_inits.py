"""What holds for every initialization scheme. Each item's own test holds its spread against theory."""

import math

import pytest
import torch
from torch import Tensor

from fivestep.engines._engine import initial_weights
from fivestep.find import Choice
from fivestep.net import NetSpec
from tests.contracts.cases import Item, over
from tests.tolerances import STATISTICS

every_init = over("inits")


def draw(item: Item, shape: tuple[int, int] = (300, 200), seed: int = 0) -> tuple[Tensor, Tensor]:
    """A weight and its bias."""
    init, stream = item.build(), torch.Generator().manual_seed(seed)
    weight, bias = torch.full(shape, math.nan), torch.full(shape[:1], math.nan)
    init.weight_(weight, stream)
    init.bias_(bias, shape[1], stream)
    return weight, bias


@every_init
def test_every_element_is_filled_with_a_number(item: Item) -> None:
    weight, bias = draw(item)
    assert weight.isfinite().all()
    assert bias.isfinite().all()


@every_init
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (5, 3)], ids=str)
def test_every_shape_of_matrix_can_be_filled(item: Item, shape: tuple[int, int]) -> None:
    weight, bias = draw(item, shape)
    assert weight.isfinite().all()
    assert bias.isfinite().all()


@every_init
def test_weights_have_mean_zero(item: Item) -> None:
    weight, _ = draw(item)
    assert abs(float(weight.mean())) <= STATISTICS * float(weight.std()) / math.sqrt(weight.numel())


@every_init
def test_the_same_seed_gives_the_same_numbers_and_draws_only_from_its_stream(item: Item) -> None:
    before = torch.get_rng_state()
    first, second = draw(item, seed=4), draw(item, seed=4)
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])
    assert torch.equal(torch.get_rng_state(), before)


@every_init
def test_a_network_starts_from_the_scheme(item: Item) -> None:
    """The first layer takes the first numbers of the seed's stream, weight before bias."""
    spec = NetSpec((Choice("linear", out_features=6), Choice("linear")), 5, 2, item.choice)
    weights = initial_weights(spec, seed=9)
    weight, bias = draw(item, (6, 5), seed=9)
    assert torch.equal(weights["0.weight"], weight)
    assert torch.equal(weights["0.bias"], bias)
