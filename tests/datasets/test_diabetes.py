"""The task `diabetes`."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes

from fivestep.datasets._load import load_dataset
from tests.datasets.tables import PARTS, places, standardized
from tests.tolerances import ROUNDED_FLOAT32


@pytest.mark.parametrize("part", PARTS)
def test_diabetes_is_that_of_scikit_learn_in_parts_of_60_20_20_all_on_the_scale_of_the_training_rows(
    part: str,
):
    x, y = load_diabetes(return_X_y=True, scaled=False)
    rows, got = places(y, num_valid=88, num_test=88, stratify=False), getattr(load_dataset("diabetes"), part)
    np.testing.assert_allclose(got.x.numpy(), standardized(x, rows)[part], atol=ROUNDED_FLOAT32)
    np.testing.assert_allclose(got.y.numpy(), standardized(y[:, None], rows)[part][:, 0], atol=ROUNDED_FLOAT32)
