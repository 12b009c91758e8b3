"""The baselines of a network: a constant answer, and a linear model."""

import math
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from ..table.target import ClassTarget, NumberTarget, Target
from ._base import Dataset, Rows

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

MOST_ROWS = 50_000
"""The most training rows for the linear model."""
FEW_ROWS = 2_000
"""Training rows up to which ridge regression's penalty is chosen by leave-one-out: with more it hardly matters."""

NAMES = {"classification": "the most frequent class", "regression": "the mean"}
"""The names of the constant answers."""


def baselines(data: Dataset) -> dict[str, dict[str, float]]:
    """What each guess, by its name, reaches on the test part for each target: accuracy, or an error in units.

    The error is the root mean squared one.

    The guess without looking is the most frequent class, or the mean; the linear model is scikit-learn's logistic
    regression or ridge regression on the encoded rows, with a column of 0 and 1 for each code, one for each target. Of
    few rows ridge regression chooses its penalty; else both are at their defaults.
    """
    assert data.encoder is not None, "a table has an encoder"
    assert data.test is not None, "a table has a test part"
    targets, train, test = data.encoder.targets.columns, data.train.take(slice(MOST_ROWS)), data.test
    x, x_test = _columns(train.x, data), _columns(test.x, data)
    found: dict[str, dict[str, float]] = {}
    for k, target in enumerate(targets):
        y, y_train, y_test = (rows.y.reshape(len(rows), -1)[:, k].numpy() for rows in (data.train, train, test))
        most, linear = (_constant(target, y, data.train.weight), _fitted(target, x, y_train, train.weight)(x_test))
        name = NAMES[target.task]
        if isinstance(target, ClassTarget) and len(targets) == 1:
            name = f"always {target.classes[int(most)]!r}"
        found.setdefault(name, {})[target.name] = _reached(target, y_test, most, test)
        found.setdefault("a linear model", {})[target.name] = _reached(target, y_test, linear, test)
    return found


def _constant(target: Target, y: "np.ndarray", weight: Tensor | None) -> float:
    """The most frequent class, or the mean."""
    if isinstance(target, ClassTarget):
        return float(np.bincount(y.astype(np.int64), _numpy(weight)).argmax())
    return float(np.average(y, weights=_numpy(weight)))


def _fitted(target: Target, x: Any, y: "np.ndarray", weight: Tensor | None) -> Callable[[Any], "np.ndarray"]:
    """The predictions of a linear model."""
    from sklearn.linear_model import LogisticRegression, Ridge, RidgeCV  # imported here: it takes a second

    if isinstance(target, ClassTarget) and (y == y[0]).all():  # a rare class, of which no row is to train on
        return lambda x: np.full(x.shape[0], y[0])
    linear = RidgeCV(np.logspace(-4, 4, 9)) if len(y) <= FEW_ROWS else Ridge()
    linear = LogisticRegression(max_iter=300) if isinstance(target, ClassTarget) else linear
    with warnings.catch_warnings():  # it may come to no end, or find many classes: that is said elsewhere
        warnings.simplefilter("ignore" if isinstance(target, ClassTarget) else "default")
        linear.fit(x, y, _numpy(weight))
    return linear.predict  # type: ignore[no-any-return]


def _reached(target: Target, y: "np.ndarray", guess: "np.ndarray | float", test: Rows) -> float:
    """The accuracy, or the root mean squared error in the target's units."""
    if isinstance(target, NumberTarget):
        return target.deviation * math.sqrt(_mean((y - guess) ** 2, test))
    return _mean(y == guess, test)


def _mean(values: "np.ndarray", rows: Rows) -> float:
    return float(np.average(values, weights=_numpy(rows.weight)))


def _numpy(weight: Tensor | None) -> "np.ndarray | None":
    return None if weight is None else weight.numpy()


def _columns(x: Tensor, data: Dataset) -> "np.ndarray | csr_matrix":
    """The rows with one-hot encoded codes."""
    from scipy.sparse import csr_matrix, hstack

    assert data.encoder is not None, "a table has an encoder"
    num_codes = data.encoder.num_codes
    if not num_codes:
        return x.numpy()
    parts: list[Any] = [csr_matrix(x[:, : -len(num_codes)].numpy())]
    for place, number in enumerate(num_codes):
        codes = x[:, x.shape[1] - len(num_codes) + place].numpy().astype(int)
        parts.append(csr_matrix((np.ones(len(codes)), (np.arange(len(codes)), codes)), shape=(len(codes), number)))
    return hstack(parts).tocsr()
