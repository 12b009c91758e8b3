"""The features of a table, by number and by name."""

from collections.abc import Sequence

from ..check import refuse
from ._base import Subject


def check_features(features: Sequence[int], subject: Subject) -> None:
    """Raises an `InputError` unless these are two different features of the subject."""
    there = subject.data.in_features
    whole = isinstance(features, tuple | list) and all(isinstance(k, int) and 0 <= k < there for k in features)
    if not whole or len(set(features)) != 2:
        raise refuse("features", features, f"two different numbers from 0 to {there - 1}", "write features=(0,1)")


def feature_names(features: tuple[int, int], subject: Subject) -> tuple[str, str]:
    """What the two are called in a picture: by the table's columns, on the scale of the network's inputs."""
    encoder = subject.data.encoder
    names = [] if encoder is None else [f"{name}, scaled" for name in encoder.features]
    first, second = (names[k] if k < len(names) else f"feature {k}" for k in features)
    return first, second
