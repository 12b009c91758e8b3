"""The features of a table, by number and by name."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ..check import refuse
from ..datasets._base import Rows
from ..table.encoder import Encoder
from ..table.target import NumberTarget
from ._base import Subject


def check_features(features: Sequence[int], subject: Subject) -> None:
    """Raises an `InputError` unless these are two different features of the subject."""
    there = subject.data.in_features
    whole = isinstance(features, tuple | list) and all(isinstance(k, int) and 0 <= k < there for k in features)
    if not whole or len(set(features)) != 2:
        raise refuse("features", features, f"two different numbers from 0 to {there - 1}", "write features=(0,1)")


def is_code(feature: int, encoder: Encoder | None) -> bool:
    """Whether a feature is the code of a level: there is nothing between two of them."""
    return encoder is not None and feature >= len(encoder.center)


def in_own_units(x: Tensor, encoder: Encoder | None) -> Tensor:
    """Rows of the network's inputs, as the columns of a table have them: nan where a number is missing."""
    flat = x.flatten(1).double().cpu()
    return flat if encoder is None else encoder.decode(flat)


def as_inputs(values: np.ndarray, feature: int, encoder: Encoder | None) -> Tensor:
    """Numbers of one feature that is no code, as its column has them, as the network takes them."""
    return torch.from_numpy(values if encoder is None else encoder.scaled(values, feature))


def target_in_own_units(y: Tensor, encoder: Encoder | None, place: int = 0) -> Tensor:
    """One of the numbers to predict of each row, (N,), by default the first, as its column has it."""
    numbers = y.reshape(len(y), -1)[:, place].cpu()
    target = encoder.targets.columns[place] if encoder is not None and encoder.targets.columns else None
    return target.decode(numbers) if isinstance(target, NumberTarget) else numbers


def target_name(encoder: Encoder | None, place: int = 0) -> str:
    """The name of the column to predict, by default the first of several, or nothing."""
    return "" if encoder is None or not encoder.targets.columns else encoder.targets.names[place]


def feature_names(features: tuple[int, int], subject: Subject) -> tuple[str, str]:
    """What the two are called in a picture: by the columns of a table."""
    encoder = subject.data.encoder
    names: list[str] = []
    if encoder is not None:
        names += [*encoder.features, *(f"code of {column.name}" for column in encoder.embedded)]
    first, second = (names[k] if k < len(names) else f"feature {k}" for k in features)
    return first, second


def telling_features(rows: Rows, labels: Tensor | None, encoder: Encoder | None, place: int = 0) -> tuple[int, int]:
    """The two columns of a table that go most with one of its targets, each alone; numbers come before categories.

    Measured is the squared correlation with the target, or with belonging to a class, (N,) `labels`, that it tells
    best. What is no table has no such order: its first two features.
    """
    places = [] if encoder is None else [column[0] for column in encoder.places.values()]
    if encoder is None or len(places) < 2:
        return 0, 1
    y = rows.y.reshape(len(rows), -1)[:, [place]] if labels is None else torch.nn.functional.one_hot(labels)
    both = torch.cat([rows.x.flatten(1)[:, places].double(), y.double()], 1)  # (N, K + C)
    shares = torch.corrcoef(both.T).nan_to_num()[: len(places), len(places) :].square().amax(1).tolist()
    numbers = set(encoder.numbers)
    ranked = sorted(zip(places, shares, strict=True), key=lambda one: (one[0] in numbers, one[1]), reverse=True)
    return ranked[0][0], ranked[1][0]
