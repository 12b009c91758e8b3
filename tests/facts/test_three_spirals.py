"""What lines and a small network make of three spirals, over five draws of the rows."""

import pytest

from tests.facts.setup import over_five_seeds
from tests.tolerances import SHARE_OVER_SEEDS, TWO_DIGITS


@pytest.mark.parametrize(("model", "loss", "accuracy"), [("mlp", 0.049, 0.990), ("softmax", 0.795, 0.53)])
def test_three_spirals_reference_recipe_reaches_loss_and_accuracy_over_five_seeds(
    model: str, loss: float, accuracy: float
):
    scores = over_five_seeds("three-spirals", model).mean(0)
    assert scores[0] == pytest.approx(loss, rel=TWO_DIGITS)
    assert scores[1] == pytest.approx(accuracy, abs=SHARE_OVER_SEEDS)
