"""Cross-validation: the same rows as k pairs of a training and a validation part."""

from dataclasses import replace

import numpy as np
import torch

from ..check import InputError, at_least, instances, refuse
from ._base import Dataset
from ._split import class_labels


def folds(data: Dataset, k: int, seed: int = 0) -> list[Dataset]:
    """K data sets: each row of `data.train` validates in one of them, and trains in the other k - 1.

    The rows are shuffled by the seed, the validation parts differ by at most a row in size, and classes keep their
    shares in them, to within a row, where each class has k rows or more (then sizes may differ by a row for each
    class). A validation part that was there before is left out; the test part is the same in all. Raises an
    `InputError` unless k is a whole number from 2 to the number of rows, and for data that draw their rows anew.
    """
    from sklearn.model_selection import KFold, StratifiedKFold  # imported here: it takes a second

    instances(data=(data, Dataset))
    at_least("seed", seed, 0, "0 is usual")
    check_foldable(data, k, len(data.train))
    labels = class_labels(data.train.y)
    shared = labels is not None and np.unique(labels, return_counts=True)[1].min() >= k
    splitter = (StratifiedKFold if shared else KFold)(k, shuffle=True, random_state=seed % 2**32)
    pairs = splitter.split(np.zeros(len(data.train)), labels)
    numbers = ((torch.from_numpy(train), torch.from_numpy(valid)) for train, valid in pairs)
    return [replace(data, train=data.train.take(train), valid=data.train.take(valid)) for train, valid in numbers]


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
