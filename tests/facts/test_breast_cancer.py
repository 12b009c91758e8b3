"""What the reference recipe reaches on tumors it has not seen, over five seeds."""

import pytest

from tests.facts.setup import over_five_seeds
from tests.tolerances import SHARE_OVER_SEEDS, TWO_DIGITS


@pytest.mark.parametrize(("model", "loss", "accuracy"), [("mlp", 0.107, 0.956), ("linear", 0.091, 0.954)])
def test_breast_cancer_recipe_reaches_loss_and_accuracy_over_five_seeds(model: str, loss: float, accuracy: float):
    scores = over_five_seeds("breast-cancer", model).mean(0)
    assert scores[0] == pytest.approx(loss, rel=TWO_DIGITS)
    assert scores[1] == pytest.approx(accuracy, abs=SHARE_OVER_SEEDS)
