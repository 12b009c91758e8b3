"""The task `digits`."""

import pytest
import torch
from sklearn.datasets import load_digits

from fivestep.datasets._base import Dataset
from fivestep.datasets._load import load_dataset


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset("digits")


def test_digits_are_split_60_20_20(data: Dataset):
    assert [len(part) for part in (data.train, data.valid, data.test)] == [1077, 360, 360]


def test_digits_have_pixels_between_0_and_1_stored_as_bytes(data: Dataset):
    assert data.train.stored.dtype == torch.uint8
    assert data.train.x.shape == (1077, 64)
    assert (data.train.x.min(), data.train.x.max()) == (0, 1)


def test_digits_are_those_of_scikit_learn(data: Dataset):
    pixels, labels = load_digits(return_X_y=True)
    expected = {(tuple(x), y) for x, y in zip((pixels / 16).tolist(), labels.tolist(), strict=True)}
    parts = (data.train, data.valid, data.test)
    assert {(tuple(x), y) for part in parts for x, y in zip(part.x.tolist(), part.y.tolist(), strict=True)} == expected


@pytest.mark.parametrize("part", ["train", "valid", "test"])
def test_digits_have_each_class_in_equal_shares_in_each_part(data: Dataset, part: str):
    rows, (_, labels) = getattr(data, part), load_digits(return_X_y=True)
    expected = torch.from_numpy(labels).bincount() / len(labels)
    assert ((rows.y.bincount() / len(rows) - expected).abs() < 1 / len(rows)).all()


def test_digits_are_named_by_their_digit(data: Dataset):
    assert data.class_names == ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")
