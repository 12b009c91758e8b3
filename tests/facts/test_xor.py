"""What a line and a small network make of two signs, over five draws of the rows."""

import pytest
import torch
from scipy.stats import norm

from fivestep.datasets._load import load_dataset
from tests.facts.setup import over_five_seeds
from tests.tolerances import SHARE_OVER_SEEDS, STATISTICS, TWO_DIGITS


@pytest.mark.parametrize(("model", "loss", "accuracy"), [("mlp", 0.059, 0.978), ("linear", 0.694, 0.51)])
def test_xor_reference_recipe_reaches_loss_and_accuracy_over_five_seeds(model: str, loss: float, accuracy: float):
    scores = over_five_seeds("xor", model).mean(0)
    assert scores[0] == pytest.approx(loss, rel=TWO_DIGITS)
    assert scores[1] == pytest.approx(accuracy, abs=SHARE_OVER_SEEDS)


def test_xor_nobody_can_be_right_more_often_than_0988():
    y = torch.cat([load_dataset("xor", seed=seed).test.y for seed in range(20)]).bool()
    x = torch.cat([load_dataset("xor", seed=seed).test.x for seed in range(20)])
    right = ((x[:, 0] > 0) != (x[:, 1] > 0)) == y  # the best rule there is, by symmetry
    wrong_sign = norm.cdf(-1 / 0.4)
    expected = 1 - 2 * wrong_sign * (1 - wrong_sign)
    deviation = (expected * (1 - expected) / len(y)) ** 0.5
    assert right.double().mean().item() == pytest.approx(expected, abs=STATISTICS * deviation)
