"""What the transformer's pieces make of a text, over five sources."""

import math

import pytest

from fivestep.datasets._load import load_dataset
from tests.facts.setup import over_five_seeds
from tests.tolerances import TWO_DIGITS

ENTROPY = 1.75 * math.log(2)


@pytest.mark.slow
def test_next_token_network_halves_the_loss_of_the_unigram_with_every_seed_and_stays_above_the_entropy():
    losses = over_five_seeds("next-token", "feed-forward")[:, 0]
    unigrams = [load_dataset("next-token", seed=seed).known_losses["unigram"] for seed in range(5)]
    assert losses.mean() == pytest.approx(1.376, rel=TWO_DIGITS)
    assert losses.max() < 0.53 * min(unigrams)
    assert losses.min() > ENTROPY


@pytest.mark.slow
def test_next_token_plain_perceptron_comes_less_far_with_every_seed():
    losses = over_five_seeds("next-token", "mlp")[:, 0]
    assert losses.mean() == pytest.approx(1.636, rel=TWO_DIGITS)
    assert losses.min() > 0.57 * 2.757  # of the unigram's
