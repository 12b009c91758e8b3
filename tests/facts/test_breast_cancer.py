"""What the reference recipe reaches on tumours it has not seen, over five seeds."""

import pytest

from tests.facts.setup import over_five_seeds
from tests.tolerances import SHARE_OVER_SEEDS


@pytest.mark.parametrize(("model", "accuracy"), [("mlp", 0.956), ("linear", 0.954)])
def test_breast_cancer_reference_recipe_reaches_the_accuracy_over_five_seeds(model: str, accuracy: float):
    assert over_five_seeds("breast-cancer", model)[:, 1].mean() == pytest.approx(accuracy, abs=SHARE_OVER_SEEDS)
