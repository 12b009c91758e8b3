"""What the reference recipe reaches on handwritten digits it has not seen, over five seeds."""

import pytest

from tests.facts.setup import over_five_seeds
from tests.tolerances import SHARE_OVER_SEEDS


@pytest.mark.slow
@pytest.mark.parametrize(("model", "accuracy"), [("mlp", 0.979), ("softmax", 0.962)])
def test_digits_reference_recipe_reaches_the_accuracy_over_five_seeds(model: str, accuracy: float):
    assert over_five_seeds("digits", model)[:, 1].mean() == pytest.approx(accuracy, abs=SHARE_OVER_SEEDS)
