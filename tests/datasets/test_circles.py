"""The task `circles`."""

import numpy as np
from sklearn.datasets import make_circles

from fivestep.datasets._load import load_dataset


def test_circles_trains_on_the_rows_of_scikit_learn():
    x, y = make_circles(200, noise=0.1, factor=0.5, random_state=42)
    train = load_dataset("circles").train
    np.testing.assert_array_equal(train.x.numpy(), x.astype(np.float32))
    np.testing.assert_array_equal(train.y.numpy(), y)


def test_circles_are_named_by_where_they_lie():
    data = load_dataset("circles")
    radius = data.test.x.norm(dim=1)
    assert data.class_names == ("outer", "inner")
    assert radius[data.test.y == 0].mean() > radius[data.test.y == 1].mean()
