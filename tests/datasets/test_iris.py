"""The task `iris`."""

import numpy as np
import pytest
from sklearn.datasets import load_iris

from fivestep.datasets._load import load_dataset
from tests.datasets.tables import PARTS, places, standardized
from tests.tolerances import ROUNDED_FLOAT32


@pytest.mark.parametrize("part", PARTS)
def test_iris_is_that_of_scikit_learn_in_parts_of_60_20_20_on_the_scale_of_the_training_rows(part: str):
    x, y = load_iris(return_X_y=True)
    rows, got = places(y, num_valid=30, num_test=30), getattr(load_dataset("iris"), part)
    np.testing.assert_allclose(got.x.numpy(), standardized(x, rows)[part], atol=ROUNDED_FLOAT32)
    np.testing.assert_array_equal(got.y.numpy(), y[rows[part]])


def test_iris_classes_have_names():
    assert load_dataset("iris").class_names == ("setosa", "versicolor", "virginica")
