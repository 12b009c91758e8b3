"""The task `moons`."""

import numpy as np
from sklearn.datasets import make_moons

from fivestep.datasets._load import load_dataset


def test_moons_trains_on_the_reference_rows():
    x, y = make_moons(200, noise=0.2, random_state=42)
    train = load_dataset("moons").train
    np.testing.assert_array_equal(train.x.numpy(), x.astype(np.float32))
    np.testing.assert_array_equal(train.y.numpy(), y)


def test_moons_has_a_thousand_other_rows_in_each_other_part():
    data = load_dataset("moons")
    assert (len(data.valid), len(data.test)) == (1000, 1000)
    for part, state in ((data.valid, 43), (data.test, 44)):
        np.testing.assert_array_equal(part.x.numpy(), make_moons(1000, noise=0.2, random_state=state)[0].astype("f"))
