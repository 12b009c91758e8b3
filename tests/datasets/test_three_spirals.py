"""The task `three-spirals`."""

import math

import pytest
import torch

from fivestep.datasets._base import Dataset
from fivestep.datasets._load import load_dataset
from tests.tolerances import STATISTICS


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset("three-spirals")


def test_three_spirals_have_equal_arms(data: Dataset):
    assert [len(part) for part in (data.train, data.valid, data.test)] == [300, 900, 900]
    assert data.test.y.bincount().tolist() == [300, 300, 300]


def test_three_spirals_turn_by_four_radians_a_third_of_a_turn_apart(data: Dataset):
    """What is left of the angles is the noise: 0.2 about 0, and nothing of it near half the way to the next arm."""
    x, y = data.test.x, data.test.y
    left = torch.atan2(x[:, 1], x[:, 0]) - 4 * x.norm(dim=1) - 2 * math.pi / 3 * y
    noise = torch.remainder(left + math.pi, 2 * math.pi) - math.pi
    assert noise.mean().abs() < STATISTICS * 0.2 / 900**0.5
    assert noise.std().item() == pytest.approx(0.2, abs=STATISTICS * 0.2 / 1800**0.5)
    assert noise.abs().max() < math.pi / 3


def test_three_spirals_radii_are_uniform(data: Dataset):
    inside = (data.test.x.norm(dim=1) < 0.5).double().mean()
    assert inside.item() == pytest.approx(0.5, abs=STATISTICS * 0.5 / 900**0.5)
