"""The task `line`."""

import numpy as np
import pytest
import torch

from fivestep.datasets._base import Dataset
from fivestep.datasets._load import load_dataset
from tests.tolerances import FORMULA, STATISTICS


@pytest.fixture
def data() -> Dataset:
    return load_dataset("line")


def test_line_has_ten_rows_to_train_on_and_a_hundred_in_each_other_part(data: Dataset):
    assert (data.train.x.shape, data.train.y.shape) == ((10, 1), (10,))
    assert (len(data.valid), len(data.test)) == (100, 100)


def test_line_rows_are_noise_of_a_tenth_around_2x_plus_1(data: Dataset):
    rows = torch.cat([data.valid.y, data.test.y]) - 2 * torch.cat([data.valid.x, data.test.x])[:, 0] - 1
    assert abs(rows.mean()) < STATISTICS * 0.1 / np.sqrt(200)
    assert abs(rows.std() - 0.1) < STATISTICS * 0.1 / np.sqrt(400)


@pytest.mark.parametrize("seed", range(5))
def test_line_least_squares_is_that_of_polyfit(seed: int):
    data = load_dataset("line", seed=seed)
    slope, intercept = np.polyfit(data.train.x[:, 0].double(), data.train.y.double(), 1)
    known = data.known_weights["least squares"]
    assert known["0.weight"].item() == pytest.approx(slope, rel=FORMULA)
    assert known["0.bias"].item() == pytest.approx(intercept, rel=FORMULA)


def test_line_knows_its_true_weights_in_the_shapes_of_the_network(data: Dataset):
    assert data.known_weights["true"]["0.weight"].tolist() == [[2]]
    assert data.known_weights["true"]["0.bias"].tolist() == [1]
    assert data.known_weights["least squares"]["0.weight"].shape == (1, 1)
