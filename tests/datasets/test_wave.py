"""The task `wave`."""

import math

import pytest
import torch

from fivestep.datasets._base import Dataset
from fivestep.datasets._load import load_dataset
from tests.tolerances import STATISTICS


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset("wave")


def test_wave_has_one_input_over_two_periods(data: Dataset):
    assert [len(part) for part in (data.train, data.valid, data.test)] == [40, 200, 200]
    assert data.in_features == data.num_outputs == 1
    assert -2 <= data.test.x.min() < -1.9 < 1.9 < data.test.x.max() < 2


def test_wave_lies_around_its_sine_by_the_noise(data: Dataset):
    noise = data.test.y - torch.sin(math.pi * data.test.x[:, 0])
    assert noise.mean().abs() < STATISTICS * 0.1 / 200**0.5
    assert noise.std().item() == pytest.approx(0.1, abs=STATISTICS * 0.1 / 400**0.5)
