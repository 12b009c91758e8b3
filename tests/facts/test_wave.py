"""What a straight line and a small network make of a wave, over five draws of the rows."""

import pytest

from tests.facts.setup import over_five_seeds
from tests.tolerances import TWO_DIGITS


@pytest.mark.parametrize(("model", "loss"), [("mlp", 0.018), ("linear", 0.45)])
def test_wave_reference_recipe_reaches_loss_over_five_seeds(model: str, loss: float):
    assert over_five_seeds("wave", model)[:, 0].mean() == pytest.approx(loss, rel=TWO_DIGITS)
