"""The task `xor`."""

import pytest
import torch

from fivestep.datasets._base import Dataset
from fivestep.datasets._load import load_dataset
from tests.tolerances import STATISTICS


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset("xor")


def test_xor_has_four_clouds_of_equal_size_around_the_corners(data: Dataset):
    assert [len(part) for part in (data.train, data.valid, data.test)] == [200, 1000, 1000]
    assert data.test.y.mean() == 0.5
    assert (data.test.x.abs().mean(0) - 1).abs().max() < STATISTICS * 0.4 / 1000**0.5


def test_xor_is_1_where_the_signs_differ(data: Dataset):
    agree = torch.sign(data.test.x).prod(1) > 0
    assert (agree != data.test.y.bool()).double().mean() > 0.97  # the noise turns a sign in one row of eighty
    assert data.class_names == ("agree", "differ")
