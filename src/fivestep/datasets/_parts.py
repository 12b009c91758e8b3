"""The three parts of a small table, on one scale."""

import numpy as np
import torch
from torch import Tensor

from ._base import Rows
from ._split import split_rows

STATE = 42
"""Of the split, which is the same in every run."""


def three_parts(x: "np.ndarray", y: "np.ndarray") -> list[Rows]:
    """60 percent of the rows to train, 20 to validate and 20 to test, each with the classes in the same shares.

    Each column of x becomes (x - mean) / deviation with the mean and the deviation of the training rows: nothing is
    known of the others. The numbers are kept in float32, labels as they are.
    """
    rest, test = split_rows(Rows(x, y), 0.2, STATE)
    train, valid = split_rows(rest, 0.25, STATE)
    return [Rows(_scaled(part.x, like=train.x), part.y) for part in (train, valid, test)]


def scaled_targets(parts: list[Rows]) -> list[Rows]:
    """The same parts with real targets on the same kind of scale, that of the first part."""
    return [Rows(part.x, _scaled(part.y, like=parts[0].y)) for part in parts]


def _scaled(values: Tensor, like: Tensor) -> Tensor:
    variance, mean = torch.var_mean(like, dim=0, correction=0)
    return ((values - mean) / variance.sqrt()).float()
