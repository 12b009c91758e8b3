"""The three parts of a small table, on one scale."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ._base import Rows
from ._split import split_rows

if TYPE_CHECKING:
    from ..table.encoder import Encoder
    from ..table.targets import TargetColumns

STATE = 42
"""The random state of the split, which is the same in every run."""


class Parts(NamedTuple):
    """The rows to train, to validate and to test on, and what makes such inputs of a table."""

    train: Rows
    valid: Rows
    test: Rows
    encoder: "Encoder"


def three_parts(x: "np.ndarray", y: "np.ndarray", columns: Sequence[str], target: str, classes: Sequence[str]) -> Parts:
    """60 percent of the rows to train, 20 to validate and 20 to test, each with the classes in the same shares.

    Each column of x becomes (x - mean) / deviation with the mean and the deviation of the training rows: nothing is
    known of the others. The numbers are kept in float32, labels as they are. The encoder does the same with a table
    that has these columns, and knows the target by its name and its classes.
    """
    from ..table.target import ClassTarget
    from ..table.targets import TargetColumns

    rest, test = split_rows(Rows(x, y), 0.2, STATE)
    train, valid = split_rows(rest, 0.25, STATE)
    targets = TargetColumns((ClassTarget(target, tuple(classes)),))
    encoder = _encoder(train.x, columns, targets)
    scale = train.x
    train, valid, test = (Rows(_scaled(part.x, like=scale), part.y) for part in (train, valid, test))
    return Parts(train, valid, test, encoder)


def with_scaled_targets(parts: Parts) -> Parts:
    """The same parts with real targets on the same kind of scale, that of the first part."""
    from ..table.target import NumberTarget
    from ..table.targets import TargetColumns
    from ..table.values import PLAIN

    train, valid, test, encoder = parts
    variance, mean = torch.var_mean(train.y, correction=0)
    target = NumberTarget(encoder.targets.names[0], PLAIN, mean.item(), variance.sqrt().item())
    scale = train.y
    train, valid, test = (Rows(part.x, _scaled(part.y, like=scale)) for part in (train, valid, test))
    return Parts(train, valid, test, replace(encoder, targets=TargetColumns((target,))))


def _encoder(x: Tensor, columns: Sequence[str], targets: "TargetColumns") -> "Encoder":
    """The encoder that standardizes each column by its name."""
    from ..table.columns import NumberColumn
    from ..table.encoder import Encoder
    from ..table.values import PLAIN

    variance, mean = torch.var_mean(x.double(), dim=0, correction=0)
    numbers = tuple(NumberColumn(str(name), PLAIN, can_be_missing=False) for name in columns)
    return Encoder(numbers, mean, variance.rsqrt(), clip=None, targets=targets)


def _scaled(values: Tensor, like: Tensor) -> Tensor:
    variance, mean = torch.var_mean(like, dim=0, correction=0)
    return ((values - mean) / variance.sqrt()).float()
