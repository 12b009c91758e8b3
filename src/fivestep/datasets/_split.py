"""A validation part, split off the training rows."""

from dataclasses import replace

import torch

from ..check import InputError, refuse
from ._base import Dataset


def split(data: Dataset, valid: float, *, seed: int) -> Dataset:
    """The same data with `valid` of the training rows, a share in (0, 1) or a number, as its validation part.

    Shuffled from the seed, and for classes in the proportions of the classes.
    """
    from sklearn.model_selection import train_test_split  # here, because it takes a second to import

    num_rows = len(data.train)
    if data.fresh is not None:
        raise InputError(f"valid must be left out for task {data.name!r}, whose rows are drawn fresh, got {valid:g}.")
    if not 0 < valid < num_rows or (valid > 1 and valid != int(valid)):
        raise refuse("valid", valid, f"a share in (0, 1) or a number of rows below {num_rows}")
    classes = None if data.train.y.is_floating_point() else data.train.y.numpy()
    size = valid if valid < 1 else int(valid)
    kept, held = train_test_split(range(num_rows), test_size=size, random_state=seed, stratify=classes)
    return replace(data, train=data.train.take(torch.tensor(kept)), valid=data.train.take(torch.tensor(held)))
