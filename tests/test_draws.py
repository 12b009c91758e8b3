"""Every random number is a function of (seed, step, layer)."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from fivestep.draws import BITS, Draws, generator, order
from tests.samples import numbers
from tests.tolerances import STATISTICS

LIKE = numbers(8, 5)


def draws(seed: int = 0, step: int = 0) -> Draws:
    one = Draws(seed)
    one.step = step
    return one


def test_the_same_seed_step_and_layer_give_the_same_bits_whatever_was_drawn_before() -> None:
    one = draws(step=3)
    first = one.bits(2, LIKE)
    one.bits(1, LIKE)
    assert torch.equal(one.bits(2, LIKE), first)
    assert torch.equal(draws(step=3).bits(2, LIKE), first)


@pytest.mark.parametrize(("seed", "step", "layer"), [(1, 0, 0), (0, 1, 0), (0, 0, 1)])
def test_another_seed_step_or_layer_gives_other_bits(seed: int, step: int, layer: int) -> None:
    assert not torch.equal(draws(seed, step).bits(layer, LIKE), draws().bits(0, LIKE))


@pytest.mark.parametrize(("start", "stop"), [(0, 3), (3, 6), (6, 8)])
def test_a_part_of_a_batch_takes_its_rows_of_the_batchs_bits(start: int, stop: int) -> None:
    whole, one = draws().bits(1, LIKE), draws()
    one.rows = slice(start, stop), len(LIKE)
    assert torch.equal(one.bits(1, LIKE[start:stop]), whole[start:stop])


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("shape", [(8, 5), (9, 4), (7, 2, 3), (11, 1)])
def test_parts_in_their_order_have_the_batchs_bits(shape: tuple[int, ...], size: int) -> None:
    """Of two layers in turn, in two steps, and where a part ends among the four numbers of one word."""
    like, one = numbers(*shape), draws()
    for one.step in (4, 5):
        whole = [draws(step=one.step).bits(layer, like) for layer in (1, 2)]
        for start in range(0, shape[0], size):
            rows = slice(start, min(start + size, shape[0]))
            one.rows = rows, shape[0]
            for layer, expected in zip((1, 2), whole, strict=True):
                assert torch.equal(one.bits(layer, like[rows]), expected[rows])


def test_parts_in_any_order_have_the_batchs_bits() -> None:
    """As those that are done once more, or left out."""
    whole, one = draws().bits(1, LIKE), draws()
    for start, stop in [(2, 3), (2, 3), (5, 8), (0, 1), (3, 4), (4, 4), (3, 4), (4, 8), (0, 8)]:
        one.rows = slice(start, stop), len(LIKE)
        assert torch.equal(one.bits(1, LIKE[start:stop]), whole[start:stop])
    one.rows = None
    assert torch.equal(one.bits(1, LIKE), whole)


def test_a_step_in_parts_draws_each_word_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the number of its parts: else the time of a step would grow with its square."""
    drawn = []

    class Counted(np.random.SFC64):
        def random_raw(self, size: Any, **options: Any) -> Any:  # type: ignore[override]
            drawn.append(size)
            return super().random_raw(size, **options)

    monkeypatch.setattr(np.random, "SFC64", Counted)
    one, like = draws(), numbers(100, 5)
    for start in range(100):
        one.rows = slice(start, start + 1), 100
        one.bits(0, like[:1])
    assert sum(drawn) == 125  # 500 numbers, four in a word


def test_bits_are_uniform_sixteen_bit_integers_in_the_shape_of_their_tensor() -> None:
    bits = draws().bits(0, numbers(1000, 100))
    assert bits.dtype == torch.int16
    assert bits.shape == (1000, 100)
    assert int(bits.min()) >= 0
    assert int(bits.max()) < 2**BITS


def test_bits_fill_sixteen_equal_bins_equally() -> None:
    """The sum of squared standardized counts of 16 bins is chi-squared with 15 degrees of freedom."""
    bits = draws().bits(0, numbers(1000, 100))
    counts = torch.bincount(bits.flatten().long() // 2 ** (BITS - 4), minlength=16).double()
    chi_squared = float(((counts - 6250) ** 2 / 6250).sum())
    assert chi_squared < 15 + STATISTICS * math.sqrt(2 * 15)


def test_bits_of_two_layers_are_uncorrelated() -> None:
    pair = torch.stack([draws().bits(layer, numbers(1000, 100)).flatten().double() for layer in (0, 1)])
    assert abs(float(torch.corrcoef(pair)[0, 1])) < STATISTICS / math.sqrt(pair.shape[1])


def test_the_order_of_an_epoch_is_a_permutation_that_repeats() -> None:
    visited = order(seed=3, epoch=2, num_rows=100)
    assert visited.sort().values.tolist() == list(range(100))
    assert torch.equal(visited, order(3, 2, 100))


@pytest.mark.parametrize(("seed", "epoch"), [(3, 1), (4, 2)])
def test_another_epoch_or_seed_has_another_order(seed: int, epoch: int) -> None:
    assert not torch.equal(order(seed, epoch, 100), order(3, 2, 100))


def test_without_coordinates_the_stream_is_torchs_for_the_same_seed() -> None:
    expected = torch.rand(5, generator=torch.Generator().manual_seed(7))
    assert torch.equal(torch.rand(5, generator=generator(7)), expected)


@pytest.mark.parametrize("seed", [0, 2**31, 2**62, 2**80])
def test_any_whole_seed_can_be_used(seed: int) -> None:
    assert generator(seed, 10**6, 10**6).initial_seed() >= 0


def test_nothing_touches_the_global_generator() -> None:
    before = torch.get_rng_state()
    draws().bits(0, LIKE)
    order(0, 0, 10)
    assert torch.equal(torch.get_rng_state(), before)
