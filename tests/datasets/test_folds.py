"""Rows in k folds."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

import fivestep as fs

CLASSES = torch.arange(1000) % 10
SKEWED = (torch.arange(1000) >= 900).long()
NUMBERS = torch.randn(1000, generator=torch.Generator().manual_seed(0))


def dataset(y: torch.Tensor, **parts: fs.Rows) -> fs.Dataset:
    """Rows whose only input is their number."""
    return fs.Dataset(fs.Rows(torch.arange(len(y)).float().unsqueeze(1), y), name="numbered", **parts)


def numbers(rows: fs.Rows) -> list[int]:
    return rows.x[:, 0].long().tolist()


@pytest.mark.parametrize("k", [2, 3, 5, 10, 1000])
@pytest.mark.parametrize("y", [CLASSES, SKEWED.float(), NUMBERS, torch.stack([NUMBERS, NUMBERS], 1)])
def test_every_row_validates_once_and_trains_otherwise(y: torch.Tensor, k: int) -> None:
    data = dataset(y)
    made = fs.folds(data, k)
    assert len(made) == k
    assert sorted(number for fold in made for number in numbers(fold.valid)) == list(range(1000))
    assert all(sorted(numbers(fold.train) + numbers(fold.valid)) == list(range(1000)) for fold in made)
    assert all(torch.equal(fold.train.y, y[numbers(fold.train)]) for fold in made)


@pytest.mark.parametrize(("y", "expected"), [(CLASSES, [20] * 10), (SKEWED, [180, 20]), (SKEWED.float(), [180, 20])])
def test_classes_keep_their_shares_in_each_fold(y: torch.Tensor, expected: list[int]) -> None:
    assert all(fold.valid.y.long().bincount().tolist() == expected for fold in fs.folds(dataset(y), 5))


@pytest.mark.parametrize(("num_rows", "k", "sizes"), [(10, 3, [4, 3, 3]), (5, 5, [1] * 5)])
def test_folds_of_numbers_are_as_equal_as_they_can_be(num_rows: int, k: int, sizes: list[int]) -> None:
    assert [len(fold.valid) for fold in fs.folds(dataset(NUMBERS[:num_rows]), k)] == sizes


def test_a_class_may_have_fewer_rows_than_there_are_folds() -> None:
    assert len(fs.folds(dataset(torch.tensor([0, 0, 0, 0, 0, 1, 1])), 4)) == 4


def test_folds_are_decided_by_the_seed() -> None:
    held = {seed: numbers(fs.folds(dataset(NUMBERS), 5, seed)[0].valid) for seed in (0, 1, 2**40)}
    assert held[0] == numbers(fs.folds(dataset(NUMBERS), 5, 0)[0].valid)
    assert held[0] != held[1]
    assert held[0] != list(range(200))  # not a block


def test_folds_keep_the_test_part_and_leave_out_the_old_validation_part() -> None:
    test, valid = fs.Rows(torch.zeros(1, 1), torch.zeros(1)), fs.Rows(-torch.ones(1, 1), torch.zeros(1))
    made = fs.folds(dataset(NUMBERS, valid=valid, test=test), 2)
    assert all(fold.test is test and fold.name == "numbered" for fold in made)
    assert -1 not in [number for fold in made for number in numbers(fold.train) + numbers(fold.valid)]


@pytest.mark.parametrize("k", [0, 1, 1001, -2, 2.0, True, None])
def test_folds_refuse_a_number_that_leaves_one_empty(k: int) -> None:
    with pytest.raises(fs.InputError, match=r"^k must be a whole number from 2 to the 1000 rows, got .*usual\.$"):
        fs.folds(dataset(NUMBERS), k)


def test_folds_refuse_rows_that_are_drawn_anew() -> None:
    with pytest.raises(fs.InputError, match=r"^folds must be made of rows that stay the same, got task 'sum'"):
        fs.folds(fs.load_dataset("sum"), 5)


PERSON = torch.arange(1000) * 7 % 90


@pytest.mark.parametrize("groups", [PERSON, PERSON.tolist(), [f"person {k:02}" for k in PERSON.tolist()]])
def test_folds_of_groups_are_those_of_scikit_learn(groups: Any) -> None:
    x, y = np.zeros(1000), CLASSES.numpy()
    by_class = StratifiedGroupKFold(5, shuffle=True, random_state=3).split(x, y, PERSON.numpy())
    for made, (train, valid) in zip(fs.folds(dataset(CLASSES), 5, 3, groups), by_class, strict=True):
        assert (numbers(made.train), numbers(made.valid)) == (train.tolist(), valid.tolist())
    of_numbers = GroupKFold(5).split(x, groups=PERSON.numpy())
    for made, (train, valid) in zip(fs.folds(dataset(NUMBERS), 5, 3, groups), of_numbers, strict=True):
        assert (numbers(made.train), numbers(made.valid)) == (train.tolist(), valid.tolist())


def test_no_fold_is_empty_where_there_are_as_many_groups_as_folds() -> None:
    """Of groups of one class each, scikit-learn's splitter by classes leaves one of these six folds without rows."""
    groups = torch.arange(6).repeat_interleave(torch.arange(6, 12))
    made = fs.folds(dataset(groups % 5), 6, groups=groups)
    assert all(len(set(groups[numbers(fold.valid)].tolist())) == 1 for fold in made)


@pytest.mark.parametrize(
    ("groups", "k", "sentence"),
    [
        (PERSON[:10], 5, r"^groups must have the group of each of the 1,000 rows, of shape .*, got shape \(10,\)"),
        (PERSON, 91, "^k must be at most the 90 groups, which stay whole, got 91; lower it"),
        ([*PERSON.tolist()[:-1], None], 5, "^groups must be a group in each row, also in row 999, got None"),
        (["a", "b"] * 499 + ["a", math.nan], 5, "^groups must be a group in each row, also in row 999, got nan"),
        (PERSON * 0, 2, "^groups must be two or more, got one; leave them out"),
    ],
    ids=["too short", "too few", "a gap", "a gap beside texts", "one"],
)
def test_folds_refuse_groups_that_cannot_be(groups: Any, k: int, sentence: str) -> None:
    with pytest.raises(fs.InputError, match=sentence):
        fs.folds(dataset(NUMBERS), k, groups=groups)


def test_a_number_is_another_group_than_its_text() -> None:
    made = fs.folds(dataset(NUMBERS[:4]), 4, groups=[1, "1", 2, "2"])
    assert [len(fold.valid) for fold in made] == [1] * 4
