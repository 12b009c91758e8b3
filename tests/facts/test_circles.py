"""What a line and a small network make of a circle in a circle, from five starts each."""

import pytest

from tests.facts.setup import over_five_seeds
from tests.tolerances import SHARE_OVER_SEEDS


@pytest.mark.parametrize(("model", "accuracy"), [("mlp", 0.994), ("linear", 0.50)])
def test_circles_reference_recipe_reaches_the_accuracy_over_five_seeds(model: str, accuracy: float):
    assert over_five_seeds("circles", model)[:, 1].mean() == pytest.approx(accuracy, abs=SHARE_OVER_SEEDS)
