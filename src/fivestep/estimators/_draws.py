"""scikit-learn's random numbers: the same initial weights and the same batches for the same `random_state`."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import final

import numpy as np
import torch

from ..datasets._base import Rows


def initial_weights(
    rng: np.random.RandomState, widths: Sequence[int], activation: str, dtype: type
) -> list[tuple[np.ndarray, np.ndarray]]:
    """The weight (O, I) and the bias (O,) of each layer between the `widths`: uniform in (-b, b), both.

    b = sqrt(6 / (I + O)), or sqrt(2 / (I + O)) for a logistic activation. Glorot and Bengio 2010, "Understanding the
    difficulty of training deep feedforward neural networks", equation 16.
    """
    drawn: list[tuple[np.ndarray, np.ndarray]] = []
    for fan_in, fan_out in pairwise(widths):
        bound = math.sqrt((2 if activation == "sigmoid" else 6) / (fan_in + fan_out))
        weight: np.ndarray = rng.uniform(-bound, bound, (fan_in, fan_out)).astype(dtype)
        drawn.append((weight.T, rng.uniform(-bound, bound, fan_out).astype(dtype)))
    return drawn


@final
class Shuffled:
    """The training rows of each epoch, in scikit-learn's order: each epoch shuffles the order of the one before.

    A function of the epoch alone, as `Dataset.fresh` must be: one that lies behind is drawn again from the start.
    """

    def __init__(self, rows: Rows, rng: np.random.RandomState) -> None:
        self._rows, self._rng, self._start = rows, rng, rng.get_state()
        self._epoch, self._shown = -1, rows
        self._order: np.ndarray = np.arange(len(rows))

    def __call__(self, epoch: int) -> Rows:
        """The rows of an epoch, counted from 0."""
        if epoch < self._epoch:
            self._rng.set_state(self._start)
            self._epoch, self._order = -1, np.arange(len(self._rows))
        while self._epoch < epoch:
            self._order = self._rng.permutation(self._order)
            self._epoch += 1
            self._shown = self._rows.take(torch.from_numpy(self._order))
        return self._shown


@final
class InOrder:
    """The training rows of each epoch in their own order."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def __call__(self, epoch: int) -> Rows:
        """The same rows for every epoch."""
        return self._rows
