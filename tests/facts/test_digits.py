"""What the reference recipe reaches on handwritten digits."""

import pytest

from fivestep.train import evaluate
from tests.facts.setup import prepare


@pytest.mark.parametrize(("model", "accuracy"), [("mlp", 0.97), ("softmax", 0.94)])
def test_digits_reference_recipe_reaches_the_accuracy(model: str, accuracy: float):
    setup = prepare("digits", model)
    setup.losses()
    assert evaluate(setup.engine, setup.data.test).accuracy >= accuracy
