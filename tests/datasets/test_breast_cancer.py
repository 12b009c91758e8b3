"""The task `breast-cancer`."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer

from fivestep.datasets._load import load_dataset
from tests.datasets.tables import PARTS, places, standardized
from tests.tolerances import ROUNDED_FLOAT32


@pytest.mark.parametrize("part", PARTS)
def test_breast_cancer_is_that_of_scikit_learn_in_parts_of_60_20_20_on_the_scale_of_the_training_rows(part: str):
    x, y = load_breast_cancer(return_X_y=True)
    rows, got = places(y, num_valid=114, num_test=114), getattr(load_dataset("breast-cancer"), part)
    np.testing.assert_allclose(got.x.numpy(), standardized(x, rows)[part], atol=ROUNDED_FLOAT32)
    np.testing.assert_array_equal(got.y.numpy(), y[rows[part]])


def test_breast_cancer_classes_have_names():
    assert load_dataset("breast-cancer").class_names == ("malignant", "benign")
