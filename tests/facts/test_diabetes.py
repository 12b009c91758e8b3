"""What the reference recipe reaches on patients it has not seen, over five seeds."""

import pytest
from sklearn.linear_model import LinearRegression

from fivestep.datasets._load import load_dataset
from tests.facts.setup import over_five_seeds
from tests.tolerances import TWO_DIGITS


@pytest.mark.parametrize(("model", "loss"), [("mlp", 0.427), ("linear", 0.479)])
def test_diabetes_reference_recipe_reaches_the_loss_over_five_seeds(model: str, loss: float):
    assert over_five_seeds("diabetes", model)[:, 0].mean() == pytest.approx(loss, rel=TWO_DIGITS)


def test_diabetes_least_squares_reaches_0471():
    data = load_dataset("diabetes")
    fitted = LinearRegression().fit(data.train.x.numpy(), data.train.y.numpy())
    error = fitted.predict(data.test.x.numpy()) - data.test.y.numpy()
    assert round(float((error**2).mean()), 3) == 0.471
