"""The task `spirals`."""

import math

import pytest
import torch

from fivestep.datasets._base import Dataset
from fivestep.datasets._load import load_dataset


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset("spirals")


def test_spirals_have_equal_arms(data: Dataset):
    assert [len(part) for part in (data.train, data.valid, data.test)] == [400, 1000, 1000]
    assert data.test.y.mean() == 0.5


def test_spirals_turn_by_one_and_a_half_as_they_grow(data: Dataset):
    outer = data.test.x.norm(dim=1) > 0.3  # near the center the noise turns a row by any angle
    x, y = data.test.x[outer], data.test.y[outer]
    on_first_arm = torch.where(y == 1, -1.0, 1.0).unsqueeze(1) * x
    angle = torch.atan2(on_first_arm[:, 1], on_first_arm[:, 0])
    difference = angle - 2 * math.pi * 1.5 * x.norm(dim=1)
    off = torch.remainder(difference + math.pi, 2 * math.pi) - math.pi
    assert off.abs().mean() < 0.3  # of pi: the noise of 0.03 moves the angle that a radius stands for by 0.28


def test_spirals_rows_are_equally_dense_along_the_arms(data: Dataset):
    inside = (data.test.x.norm(dim=1) < 0.5).double().mean()
    assert inside == pytest.approx(0.25, abs=0.05)  # a quarter of the disc
