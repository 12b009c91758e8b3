"""The compiled draws of dropout are those of every engine, to the bit."""

import numpy as np
import pytest
import torch

from fivestep.draws import Draws
from fivestep.engines.fused._compiled import one_pass
from fivestep.engines.fused.body.masks import IN_A_STREAM

SEEDS = [0, 1, 7, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**64 + 5, 3**60]
PLACES = [(0, 0), (0, 3), (1, 2), (10**6, 7), (2**40, 1000)]


@pytest.mark.parametrize("count", [1, 3, 4, 5, 1023])
@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1, 2**32, 2**63 - 1, 2**64 - 1])
def test_numbers_of_a_seed_are_those_of_numpy(seed: int, count: int) -> None:
    words = np.zeros(count // 4 + 2, np.uint64)
    one_pass("draw_bits")(np.uint64(seed), count, words, 1)
    expected = np.random.SFC64(seed).random_raw(-(-count // 4)) & np.uint64(0x7FFF_7FFF_7FFF_7FFF)
    assert words[1 : 1 + len(expected)].tolist() == expected.tolist()
    assert words[0] == 0


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_step_and_a_layer_have_the_bits_of_draws(seed: int, place: tuple[int, int]) -> None:
    step, layer = place
    draws = Draws(seed)
    draws.step = step
    words = np.zeros(6, np.uint64)
    one_pass("draw_layer")(np.uint64(seed % 2**64), place, 15, words)
    assert words.view(np.int16)[:15].tolist() == draws.bits(layer, torch.empty(5, 3)).flatten().tolist()


@pytest.mark.parametrize("counts", [[8, 4, 12], [5, 1, 1, 1, 7], [3, 3, 3, 3], [1] * 9, [6, 2, 9], [1, 20]])
def test_what_is_drawn_piece_by_piece_is_that_which_is_drawn_at_once(counts: list[int]) -> None:
    """Also where a piece ends among the four numbers of one word; of two layers, in turn."""
    step, layers = 3, (2, 5)
    draws = Draws(7)
    draws.step = step
    streams, words = np.zeros(2 * IN_A_STREAM, np.uint64), np.zeros(8, np.uint64)
    pieces: dict[int, list[int]] = {layer: [] for layer in layers}
    for k, layer in enumerate(layers):
        one_pass("start_bits")(np.uint64(7), (step, layer), streams, k * IN_A_STREAM)
    for count in counts:
        for k, layer in enumerate(layers):
            start = one_pass("continue_bits")(streams, k * IN_A_STREAM, (len(pieces[layer]), count), words)
            pieces[layer] += words.view(np.int16)[start : start + count].tolist()
    for layer, found in pieces.items():
        assert found == draws.bits(layer, torch.empty(sum(counts), 1)).flatten().tolist()
