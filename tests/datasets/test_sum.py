"""The task `sum`."""

import pytest
import torch

from fivestep.datasets._base import Dataset
from fivestep.datasets._load import load_dataset


@pytest.fixture
def data() -> Dataset:
    return load_dataset("sum")


def test_sum_epoch_is_a_hundred_steps_of_a_hundred_rows_of_ten(data: Dataset):
    assert (data.train.x.shape, data.train.y.shape) == ((10_000, 10), (10_000,))


def test_sum_target_is_the_sum_of_the_row(data: Dataset):
    torch.testing.assert_close(data.valid.y, data.valid.x @ torch.ones(10))


def test_sum_draws_new_rows_in_each_epoch_and_the_same_ones_when_asked_again(data: Dataset):
    assert torch.equal(data.fresh(0).x, data.train.x)
    assert not torch.equal(data.fresh(1).x, data.train.x)
    assert torch.equal(data.fresh(1).x, data.fresh(1).x)


def test_sum_true_weights_have_no_error(data: Dataset):
    known = data.known_weights["true"]
    predicted = data.test.x @ known["0.weight"].T + known["0.bias"]
    torch.testing.assert_close(predicted[:, 0], data.test.y)
