"""What a line and a network of two hidden layers make of two spirals, over five draws of the rows."""

import pytest

from tests.facts.setup import over_five_seeds
from tests.tolerances import SHARE_OVER_SEEDS


@pytest.mark.slow
@pytest.mark.parametrize(("model", "accuracy"), [("mlp", 0.996), ("linear", 0.64)])
def test_spirals_reference_recipe_reaches_the_accuracy_over_five_seeds(model: str, accuracy: float):
    assert over_five_seeds("spirals", model)[:, 1].mean() == pytest.approx(accuracy, abs=SHARE_OVER_SEEDS)
