"""What a line and a small network make of a circle in a circle, from five starts each."""

import pytest

from tests.facts.setup import over_five_seeds
from tests.tolerances import SHARE_OVER_SEEDS, TWO_DIGITS


@pytest.mark.parametrize(("model", "loss", "accuracy"), [("mlp", 0.024, 0.994), ("linear", 0.693, 0.50)])
def test_circles_reference_recipe_reaches_loss_and_accuracy_over_five_seeds(model: str, loss: float, accuracy: float):
    scores = over_five_seeds("circles", model).mean(0)
    assert scores[0] == pytest.approx(loss, rel=TWO_DIGITS)
    assert scores[1] == pytest.approx(accuracy, abs=SHARE_OVER_SEEDS)
