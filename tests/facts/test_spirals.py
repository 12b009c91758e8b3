"""What a line and a network of two hidden layers make of two spirals, over five draws of the rows."""

import pytest

from tests.facts.setup import over_five_seeds
from tests.tolerances import SHARE_OVER_SEEDS, TWO_DIGITS


@pytest.mark.parametrize(("model", "loss", "accuracy"), [("mlp", 0.015, 0.996), ("linear", 0.608, 0.64)])
def test_spirals_reference_recipe_reaches_loss_and_accuracy_over_five_seeds(model: str, loss: float, accuracy: float):
    """In float32 and float64, in every engine, the mean losses were the same to five digits: 0.014528 and 0.60815."""
    scores = over_five_seeds("spirals", model).mean(0)
    assert scores[0] == pytest.approx(loss, rel=TWO_DIGITS)
    assert scores[1] == pytest.approx(accuracy, abs=SHARE_OVER_SEEDS)
