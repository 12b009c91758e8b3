"""A validation part split off."""

import pytest
import torch

from fivestep.check import InputError
from fivestep.datasets._base import Dataset, Rows
from fivestep.datasets._split import split


def dataset(y: torch.Tensor) -> Dataset:
    """Rows whose only input is their number."""
    return Dataset(Rows(torch.arange(len(y)).float().unsqueeze(1), y), name="numbered")


CLASSES = torch.arange(1000) % 10
SKEWED = (torch.arange(1000) >= 900).long()


@pytest.mark.parametrize(("valid", "num_rows"), [(0.2, 200), (0.0015, 2), (200, 200), (200.0, 200), (1, 1), (999, 999)])
def test_split_takes_a_share_or_a_number_of_rows(valid: float, num_rows: int):
    parts = split(dataset(torch.randn(1000)), valid, seed=0)
    assert (len(parts.train), len(parts.valid)) == (1000 - num_rows, num_rows)


@pytest.mark.parametrize("y", [CLASSES, torch.randn(1000), torch.randn(1000, 3)])
def test_split_loses_and_repeats_no_row_and_keeps_their_targets(y: torch.Tensor):
    parts = split(dataset(y), 0.3, seed=0)
    numbers = torch.cat([parts.train.x, parts.valid.x]).long().flatten()
    targets = torch.cat([parts.train.y, parts.valid.y])
    assert numbers.sort().values.tolist() == list(range(1000))
    assert torch.equal(targets, y[numbers])


@pytest.mark.parametrize(("y", "expected"), [(CLASSES, [20] * 10), (SKEWED, [180, 20]), (SKEWED.float(), [180, 20])])
def test_split_keeps_the_shares_of_the_classes(y: torch.Tensor, expected: list[int]):
    assert split(dataset(y), 200, seed=0).valid.y.long().bincount().tolist() == expected


@pytest.mark.parametrize(("y", "valid"), [(torch.arange(1000), 0.5), (CLASSES, 9), (CLASSES, 995)])
def test_split_needs_no_row_of_each_class_in_each_part(y: torch.Tensor, valid: float):
    assert len(split(dataset(y), valid, seed=0).train) + len(split(dataset(y), valid, seed=0).valid) == 1000


@pytest.mark.parametrize("seed", range(3))
def test_a_class_of_one_row_is_trained_on_and_the_others_keep_their_shares(seed: int):
    parts = split(dataset(torch.cat([SKEWED, torch.tensor([2, 3])])), 200, seed=seed)
    assert parts.valid.y.bincount().tolist() == [180, 20]
    assert parts.train.y.bincount().tolist() == [720, 80, 1, 1]


def test_split_is_decided_by_the_seed():
    rows = {seed: split(dataset(CLASSES), 0.2, seed=seed).valid.x for seed in (0, 1, 2**40)}
    assert torch.equal(rows[0], split(dataset(CLASSES), 0.2, seed=0).valid.x)
    assert not torch.equal(rows[0], rows[1])


def test_split_is_by_chance():
    taken = split(dataset(torch.randn(1000)), 500, seed=0).valid.x
    assert 150 < (taken < 500).sum() < 350  # a block from one end would give 0 or 500


def test_split_keeps_the_test_part_and_the_scale():
    rows = Rows(torch.ones(10, 2, dtype=torch.uint8), torch.zeros(10), torch.arange(10.0), scale=0.5)
    parts = split(Dataset(rows, test=rows), 0.5, seed=0)
    assert parts.test is rows
    assert parts.valid.scale == parts.train.scale == 0.5
    assert sorted(torch.cat([parts.train.weight, parts.valid.weight]).tolist()) == list(range(10))


@pytest.mark.parametrize("valid", [0, -1, 1000, 1001, 0.0001, 0.9999, 1.5, float("nan"), float("inf"), -0.5])
def test_split_refuses_a_size_that_leaves_a_part_empty(valid: float):
    with pytest.raises(InputError, match=r"^valid must be a share .* or a whole number of rows from 1 to 999, got"):
        split(dataset(torch.randn(1000)), valid, seed=0)


def test_split_refuses_rows_that_are_drawn_anew():
    rows = Rows(torch.ones(10, 2), torch.zeros(10))
    with pytest.raises(InputError, match="valid must be left out for task 'data', whose rows are drawn fresh"):
        split(Dataset(rows, fresh=lambda _: rows), 0.5, seed=0)
