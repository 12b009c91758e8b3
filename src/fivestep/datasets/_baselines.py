"""What a network has to beat: a guess without looking, and a linear model."""

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from ..table.target import ClassTarget, NumberTarget
from ._base import Dataset, Rows

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

MOST_ROWS = 50_000
"""Training rows that the linear model takes."""
FEW_ROWS = 2_000
"""Training rows up to which ridge regression's penalty is chosen by leaving each one out: of more it hardly matters."""


def baselines(data: Dataset) -> dict[str, float]:
    """For the test part, the accuracy of each guess by name, or for numbers its root mean squared error, in units.

    The guess without looking is the most frequent class, or the mean; the linear model is scikit-learn's logistic
    regression or ridge regression on the encoded rows, with a column of 0 and 1 for each code. Of few rows ridge
    regression chooses its penalty; else both are at their defaults.
    """
    from sklearn.linear_model import LogisticRegression, Ridge, RidgeCV  # here, because it takes a second to import

    assert data.encoder is not None, "a table has an encoder"
    assert data.test is not None, "a table has a test part"
    train, test, target = data.train.take(slice(MOST_ROWS)), data.test, data.encoder.target
    x, weight = _columns(train.x, data), None if train.weight is None else train.weight.numpy()
    if isinstance(target, ClassTarget):
        with warnings.catch_warnings():  # it may come to no end, or find many classes: that is said elsewhere
            warnings.simplefilter("ignore")
            linear = LogisticRegression(max_iter=300).fit(x, train.y.numpy(), weight)
        most = np.bincount(data.train.y.numpy(), _numpy(data.train.weight)).argmax()
        return {
            f"always {target.classes[most]!r}": _mean(test.y.numpy() == most, test),
            "a linear model": _mean(linear.predict(_columns(test.x, data)) == test.y.numpy(), test),
        }
    assert isinstance(target, NumberTarget)
    linear = RidgeCV(np.logspace(-4, 4, 9)) if len(train.y) <= FEW_ROWS else Ridge()
    linear.fit(x, train.y.numpy(), weight)
    mean = float(np.average(data.train.y.numpy(), weights=_numpy(data.train.weight)))
    errors = {
        "the mean": test.y.numpy() - mean,
        "a linear model": test.y.numpy() - linear.predict(_columns(test.x, data)),
    }
    return {name: target.deviation * _mean(error**2, test) ** 0.5 for name, error in errors.items()}


def _mean(values: "np.ndarray", rows: Rows) -> float:
    return float(np.average(values, weights=_numpy(rows.weight)))


def _numpy(weight: Tensor | None) -> "np.ndarray | None":
    return None if weight is None else weight.numpy()


def _columns(x: Tensor, data: Dataset) -> "np.ndarray | csr_matrix":
    """The rows with their codes as columns of 0 and 1."""
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
