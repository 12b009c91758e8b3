"""Cross-validation: the same rows as k pairs of a training and a validation part."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..check import InputError, InWords, at_least, instances, is_gap, refuse
from ._base import Dataset
from ._split import class_labels

Places = tuple[np.ndarray, np.ndarray]
"""The rows to train on and those to validate on, by their numbers."""


def folds(data: Dataset, k: int, seed: int = 0, groups: Any = None) -> list[Dataset]:
    """K data sets: each row of `data.train` validates in one of them, and trains in the other k - 1.

    The rows are shuffled by the seed, the validation parts differ by at most a row in size, and classes keep their
    shares in them, to within a row, where each class has k rows or more (then sizes may differ by a row for each
    class). With `groups` (N,), numbers or texts, rows of one group are in one fold, and sizes and shares are as near to
    that as the groups allow: the folds of scikit-learn's `StratifiedGroupKFold`, or of its `GroupKFold`, which no seed
    changes, for numbers and where it lacks some. A validation part that was there before is left out; the test part is
    the same in all. Raises an `InputError` unless k is a whole number from 2 to the number of rows, or of groups, and
    for data that draw their rows anew.
    """
    instances(data=(data, Dataset))
    at_least("seed", seed, 0, "0 is usual")
    check_foldable(data, k, len(data.train))
    numbers = None if groups is None else group_numbers(groups, len(data.train))
    if numbers is not None:
        check_enough_groups("k", k, numbers)
    pairs = fold_places(len(data.train), k, class_labels(data.train.y), numbers, seed % 2**32)
    return [_parted(data, *places) for places in pairs]


def _parted(data: Dataset, train: np.ndarray, valid: np.ndarray) -> Dataset:
    """The same data with some of its training rows to train on, and others to validate on."""
    rows = data.train
    return replace(data, train=rows.take(torch.from_numpy(train)), valid=rows.take(torch.from_numpy(valid)))


def periods(data: Dataset, k: int, times: np.ndarray, num_last: int) -> list[Dataset]:
    """K data sets that validate on one period after another of the last `num_last` rows, and train on all before it.

    They are those of scikit-learn's `TimeSeriesSplit`, except that equal times (N,) stay together.
    """
    order, borders = np.argsort(times, kind="stable"), borders_of_periods(k, times, num_last)
    ends = [*borders[1:], len(order)]
    return [_parted(data, np.sort(order[:a]), np.sort(order[a:b])) for a, b in zip(borders, ends, strict=True)]


def borders_of_periods(k: int, times: np.ndarray, num_last: int) -> np.ndarray:
    """How many rows are before each of k periods (k,); rows of the same time as the first of a period are in it too.

    Raises an `InputError` where that leaves a period without rows.
    """
    ordered = np.sort(times)
    firsts = -(num_last // k) * np.arange(k, 0, -1)  # all are 0, and refused, where there are fewer rows than periods
    borders = np.searchsorted(ordered, ordered[firsts])
    if (np.diff(borders, prepend=0, append=len(ordered)) == 0).any():
        expected = f"so few that each period of the {num_last} rows to validate on has times of its own"
        raise refuse("--bagging", k, expected, "lower it")
    return borders


def fold_places(
    num_rows: int, k: int, labels: np.ndarray | None, groups: np.ndarray | None, random_state: Any
) -> Iterator[Places]:
    """The rows of k pairs of parts, by scikit-learn's splitters: labels keep their shares, groups stay whole."""
    from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold  # takes a second

    rows = np.zeros(num_rows)
    shared = labels is not None and np.unique(labels, return_counts=True)[1].min() >= k
    if groups is None:
        splitter = (StratifiedKFold if shared else KFold)(k, shuffle=True, random_state=random_state)
        return iter(splitter.split(rows, labels))
    if shared:
        pairs = [*StratifiedGroupKFold(k, shuffle=True, random_state=random_state).split(rows, labels, groups)]
        if all(len(valid) for _, valid in pairs):  # of few groups, one fold may get none
            return iter(pairs)
    return iter(GroupKFold(k).split(rows, groups=groups))


def group_numbers(groups: Any, num_rows: int) -> np.ndarray:
    """A number (N,) for the group of each row; raises an `InputError` unless each row has one."""
    if isinstance(groups, Tensor):
        groups = groups.detach().cpu()
    kept = object if isinstance(groups, list | tuple) else None  # numbers beside texts would become texts, and gaps too
    found: np.ndarray = np.asanyarray(groups, dtype=kept)
    if found.shape != (num_rows,):
        raise InputError(
            f"groups must have the group of each of the {num_rows:,} rows, of shape ({num_rows},), got shape "
            f"{found.shape}; pass one column of the same rows."
        )
    values: list[Any] = found.tolist()
    known = dict.fromkeys(values)
    for value in filter(is_gap, known):
        row = next(row for row, other in enumerate(values) if is_gap(other))
        raise refuse("groups", value, f"a group in each row, also in row {row}", "give each such row its own")
    try:
        order = sorted(known)
    except TypeError:  # of several types
        order = list(known)
    numbers = {value: number for number, value in enumerate(order)}
    return np.array([numbers[value] for value in values])


def check_enough_groups(argument: str, k: int, groups: np.ndarray) -> None:
    """Raises an `InputError` where there are fewer groups than folds."""
    num_groups = len(np.unique(groups))
    if num_groups < 2:
        raise refuse("groups", InWords("one"), "two or more", "leave them out")
    if k > num_groups:
        raise refuse(argument, k, f"at most the {num_groups} groups, which stay whole", "lower it")


def check_foldable(data: Dataset, k: int, num_rows: int) -> None:
    """Raises an `InputError` where so many rows of these data cannot be divided into k folds."""
    if data.fresh is not None:
        raise InputError(
            f"folds must be made of rows that stay the same, got task {data.name!r}, whose rows are drawn fresh; "
            f"train on it as it is."
        )
    if data.stream is not None:
        raise InputError(
            f"folds must be made of rows in memory, got {data.name!r}, which is streamed; leave --stream out."
        )
    if isinstance(k, bool) or not isinstance(k, int) or not 2 <= k <= num_rows:
        raise refuse("k", k, f"a whole number from 2 to the {num_rows} rows", "5 and 10 are usual")
